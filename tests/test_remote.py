"""Models on a server: the same numbers from nnsight's simulation and from a loopback server.

And its failures.
"""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nnsight
import pytest
import server_environment
import torch
import zstandard
from nnsight.schema.config import CONFIG
from nnsight.schema.response import Status
from tiny import TEXTS, some_lens, targets_for

import latentlang as ll
from latentlang.models import packaged, reply, server
from latentlang.models.sessions import TRACE_LOCK

HERE = Path(__file__).resolve().parent
PACKAGES = tempfile.TemporaryDirectory(
    prefix="server-"
)  # a server's environment; gone with the process
LIMIT = 30  # seconds until a failure is told
REQUESTS = {
    "plain": {},
    "everything": {"watch": [3, 4, 5], "keep_latents": True, "include_embedding": True, "top_k": 3},
    "tokens to follow": {"follow": True, "top_k": 3},
    "one prompt a batch, no energy": {"batch_size": 1, "energy": False},
}


@contextmanager
def serving(folder, *options: str):
    """Run the loopback server on a model's folder, in its own folder, and yield its address."""
    python, variables = server_environment.python(server_environment.make(Path(PACKAGES.name)))
    command = [*python, str(HERE / "ndif_server.py"), str(folder), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env=variables
    ) as process:
        try:
            port = process.stdout.readline().strip()
            assert port.isdigit(), "the server did not start: run tests/ndif_server.py by hand"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def demo_folder():
    return packaged.folder()


@pytest.fixture(scope="module")
def demo_server(demo_folder):
    with serving(demo_folder) as address:
        yield address


@pytest.fixture(scope="module")
def locked_server(tiny):
    """A server that wants a key, with the random Llama."""
    with serving(tiny.folder("llama"), "--key", "open sesame") as address:
        yield address


@pytest.fixture
def on_server(monkeypatch):
    """``on_server(address, folder, key=None)`` -> the model of that folder, its weights there."""

    def load(address: str, folder, key: str | None = None):
        monkeypatch.setattr(CONFIG.API, "APIKEY", None)
        monkeypatch.setenv("NDIF_HOST", address)
        monkeypatch.setenv("NDIF_API_KEY", key) if key else monkeypatch.delenv(
            "NDIF_API_KEY", raising=False
        )
        return ll.load_model(folder, remote=True)

    return load


def assert_equal(run, expected) -> None:
    """Every tensor of two runs is the same, bit for bit."""
    assert run.prompts.equals(expected.prompts) and run.layers == expected.layers
    tensors = run.tensors()
    for name, tensor in expected.tensors().items():
        assert torch.equal(tensors[name], tensor), name


def failure(action) -> str:
    """Return the one sentence that ``action`` fails with, in time.

    The lock of all traces must be free again.
    """
    started = time.monotonic()
    with pytest.raises(ll.errors.LatentLangError) as caught:
        action()
    assert time.monotonic() - started < LIMIT
    with ThreadPoolExecutor(1) as another:  # this thread could take its own lock twice
        assert another.submit(
            lambda: TRACE_LOCK.acquire(timeout=1) and not TRACE_LOCK.release()
        ).result()
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (KEY, PASSWORD, "pass@word"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    return str(caught.value)


@pytest.fixture
def simulated(random_model, tiny):
    """A random model whose traces take nnsight's remote path inside this process."""
    return ll.load_model(tiny.folder(Path(random_model.name).name), dtype="float32", remote="local")


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_the_remote_path_in_process_changes_no_bit(random_model, simulated, request_):
    targets = targets_for(random_model)
    options = {"targets": targets, "progress": False, **request_}
    assert_equal(ll.decode(simulated, TEXTS, **options), ll.decode(random_model, TEXTS, **options))


def test_every_other_function_that_traces_agrees_too(random_model, simulated):
    """Several positions of one prompt, and rows of the unembedding."""
    options = {"positions": "all", "progress": False}
    assert_equal(
        ll.decode(simulated, TEXTS[1:2], **options), ll.decode(random_model, TEXTS[1:2], **options)
    )
    for rows in ([5, 2, 9], slice(3, 20)):
        assert torch.equal(
            simulated.folded_unembedding(rows), random_model.folded_unembedding(rows)
        )


def test_no_trace_of_the_library_goes_round_the_sessions():
    """``model.trace`` opens every trace, so the tests above cover all places where one can run."""
    home = Path(ll.__file__).parent
    lines = {
        path.name: re.findall(r".*\.trace\(.*", path.read_text()) for path in home.rglob("*.py")
    }
    opened = {name: [line for line in found if "with " in line] for name, found in lines.items()}
    opened = {name: found for name, found in opened.items() if found}
    assert set(opened) >= {"decoding.py", "latents.py", "model.py", "sweep_batches.py"}
    written = [line for found in opened.values() for line in found if "``" not in line]
    assert all(re.search(r"with (self|self\.model|model)\.trace\(", line) for line in written)
    assert [name for name, found in lines.items() for line in found if "traced.trace(" in line] == [
        "sessions.py"
    ]


def test_a_server_sends_back_the_same_numbers_and_little_else(
    demo_server, demo_folder, on_server, model, capsys
):
    """About 100 French-to-Chinese prompts: under 1 MB of results, and the same numbers as here."""
    far = on_server(demo_server, demo_folder)
    assert (
        far.module is None
        and far.lm_head is None
        and (far.n_layers, far.d_model) == (model.n_layers, model.d_model)
    )
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=far.tokenizer)
    prompts = prompts.about(ll.load_words().index[::4])
    assert len(prompts) >= 90
    ll.decode(far, ["The"], progress=False)  # the first question brings the check
    before = len(json.load(urllib.request.urlopen(f"{demo_server}/seen")))
    answered = ll.decode(far, prompts)
    said, sizes = (
        capsys.readouterr().out,
        json.load(urllib.request.urlopen(f"{demo_server}/seen"))[before:],
    )
    assert_equal(
        ll.decode(far, prompts[:5], progress=False), ll.decode(model, prompts[:5], progress=False)
    )
    part = ll.decode(model, prompts[5:25], progress=False)
    torch.testing.assert_close(
        answered.probability["en"][5:25], part.probability["en"], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(answered.energy[5:25], part.energy, atol=1e-5, rtol=0)
    total = int(re.search(r"([\d,]+) bytes", said).group(1).replace(",", ""))
    assert total == sum(job["answered"] for job in sizes) < 1_000_000
    print(
        said.strip(),
        f"Sent: {sum(job['asked'] for job in sizes):,} bytes in {len(sizes)} requests.",
    )


def test_a_server_answers_the_sphere_and_the_cache(
    demo_server, demo_folder, on_server, model, tmp_path, monkeypatch
):
    far = on_server(demo_server, demo_folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    question = {
        "task": "repetition",
        "target": "zh",
        "every": 80,
        "keep_latents": True,
        "progress": False,
    }
    run = ll.run_experiment(far, **question)
    here = ll.run_experiment(model, **question)
    torch.testing.assert_close(
        ll.sphere_path(far, run).coordinates, ll.sphere_path(model, here).coordinates
    )
    received = far.session.received
    assert_equal(ll.run_experiment(far, **question), run)
    assert far.session.received == received  # from the cache
    assert far.identity != model.identity


def by_hand(model) -> torch.Tensor:
    """Return layer 2's latent of a text, in a reader's trace, whose body names the model."""
    with model.trace("The flower"):
        h = model.traced.layers[1].output[:, -1].save()
    return h


def test_a_readers_own_trace_may_name_the_model(locked_server, on_server, tiny):
    folder = tiny.folder("llama")
    here, rehearsal = tiny("llama"), ll.load_model(folder, dtype="float32", remote="local")
    far = on_server(locked_server, folder, key="open sesame")
    assert torch.equal(by_hand(rehearsal), by_hand(here)) and torch.equal(
        by_hand(far), by_hand(here)
    )
    assert not by_hand(here).requires_grad


def test_a_server_that_is_down(on_server, tiny):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    far = on_server(address, tiny.folder("llama"))
    assert f"{address} cannot be reached" in failure(lambda: ll.decode(far, ["The"]))


def test_an_address_that_is_none(on_server, tiny):
    far = on_server("127.0.0.1:80", tiny.folder("llama"))
    assert "set NDIF_HOST" in failure(lambda: ll.decode(far, ["The"]))
    far = on_server("http://127.0.0.1:99999", tiny.folder("llama"))
    assert "set NDIF_HOST" in failure(lambda: ll.decode(far, ["The"]))


@pytest.fixture
def impatient(monkeypatch):
    """Wait three seconds for a word of a server instead of twenty: the clock is the same."""
    assert 10 <= server.SILENCE <= LIMIT - 5, (
        "a reader is told within the time that the tests allow"
    )
    monkeypatch.setattr(server, "SILENCE", 3.0)


@pytest.mark.parametrize("word", ["--hang-up", "--silent"])
def test_a_server_that_takes_a_job_and_says_no_more(on_server, tiny, impatient, word):
    """It ends the connection, or falls silent."""
    with serving(tiny.folder("llama"), word) as address:
        far = on_server(address, tiny.folder("llama"))
        said = failure(lambda: ll.decode(far, ["The"]))
    assert (
        "ended the connection" if word == "--hang-up" else "has said nothing for 3 seconds"
    ) in said


def test_a_web_server_that_is_no_ndif_server(on_server, tiny, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as other:
        port = re.search(r"port (\d+)", other.stdout.readline()).group(1)
        far = on_server(f"http://127.0.0.1:{port}", tiny.folder("llama"))
        assert "check NDIF_HOST" in failure(lambda: ll.decode(far, ["The"]))
        other.terminate()


def test_a_hub_that_cannot_be_reached(on_server, tiny):
    """nnsight asks the hub how a repository is spelled; here there is no network."""
    far = on_server("http://127.0.0.1:9", tiny.folder("llama"))
    far.traced.repo_id = "nobody/such-model"
    assert "the hub cannot be reached" in failure(lambda: ll.decode(far, ["The"]))


def test_a_missing_key(locked_server, on_server, tiny):
    folder = tiny.folder("llama")
    assert "set NDIF_API_KEY" in failure(
        lambda: ll.decode(on_server(locked_server, folder), ["The"])
    )
    assert "set NDIF_API_KEY" in failure(
        lambda: ll.decode(on_server("https://api.ndif.us", folder), ["The"])
    )  # known without asking
    far = on_server(locked_server, folder, key="open sesame")
    assert_equal(
        ll.decode(far, TEXTS, progress=False), ll.decode(tiny("llama"), TEXTS, progress=False)
    )


def test_a_server_changes_the_model(locked_server, on_server, tiny):
    """Interventions and what they need travel; a sweep there reads whole prompts."""
    far = on_server(locked_server, tiny.folder("llama"), key="open sesame")
    here = tiny("llama")
    latents = ll.latents_at(far, TEXTS)
    assert torch.equal(latents.values, ll.latents_at(here, TEXTS).values)
    # Of a latent without its own direction only rounding would be left: another prompt's is erased.
    directions = [latents.values[row - 1, : 1 + row % 2] for row in range(len(TEXTS))]
    acts = [
        ll.Patch(latents.values.flip(0), layers=2),
        ll.Steer(latents.values[0], -1.5, at=0),
        ll.Erase(directions, layers=[1, 3]),
    ]
    options = {"interventions": acts, "keep_latents": True, "progress": False}
    assert_equal(ll.decode(far, TEXTS, **options), ll.decode(here, TEXTS, **options))
    options = {"targets": {"a": [set(range(0, 260, 3))] * len(TEXTS)}, "progress": False}
    for act in acts:
        swept, same = (ll.sweep(each, TEXTS, act, **options) for each in (far, here))
        torch.testing.assert_close(swept.probability["a"], same.probability["a"], atol=1e-4, rtol=0)


def test_a_server_reads_through_a_lens(locked_server, on_server, tiny):
    """Its maps travel with the trace: the same numbers from the server, and from a rehearsal."""
    folder, here = tiny.folder("llama"), tiny("llama")
    far = on_server(locked_server, folder, key="open sesame")
    lens = some_lens(here)
    options = {"keep_latents": True, "watch": [3, 4, 5], "progress": False}
    expected = ll.decode(here, TEXTS, lens=lens, **options)
    assert not torch.equal(expected.entropy, ll.decode(here, TEXTS, progress=False).entropy)
    for model in (far, ll.load_model(folder, dtype="float32", remote="local")):
        assert_equal(ll.decode(model, TEXTS, lens=lens, **options), expected)


def test_a_model_that_is_not_deployed(locked_server, on_server, tiny):
    far = on_server(locked_server, tiny.folder("qwen2"), key="open sesame")
    assert "does not run" in failure(lambda: ll.decode(far, ["The"]))


def test_an_error_inside_the_trace(locked_server, on_server, tiny):
    far = on_server(locked_server, tiny.folder("llama"), key="open sesame")
    inputs = dict(far.tokenizer("The", return_tensors="pt"))

    def ask(mistake):
        with far.trace(**inputs):
            nnsight.save(far_mistake(mistake))

    assert "planted by hand" in failure(lambda: ask("planted by hand"))
    with pytest.raises(torch.OutOfMemoryError):  # which makes decode halve its batch
        ask("CUDA out of memory. Tried to allocate 20.00 GiB.")
    assert "no memory left" in failure(
        lambda: ask("CUDA out of memory. Tried to allocate 20.00 GiB.")
    )
    assert len(ll.decode(far, TEXTS, progress=False)) == len(TEXTS)  # the next trace runs


def far_mistake(said: str):
    raise RuntimeError(said)


def test_a_server_that_never_says_a_word(on_server, tiny, impatient):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        far = on_server(f"http://127.0.0.1:{mute.getsockname()[1]}", tiny.folder("llama"))
        assert "has said nothing for 3 seconds" in failure(lambda: ll.decode(far, ["The"]))


KEY, PASSWORD = "a-key-of-mine-123", "pass%40word"


def saved(values: object, **options) -> bytes:
    """Return values in a compressed file of ``torch.save``, as a server's result."""
    buffer = io.BytesIO()
    torch.save(values, buffer, **options)
    return zstandard.ZstdCompressor().compress(buffer.getvalue())


class Planted:
    """An object whose unpickling makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def hostile_server(tiny):
    with serving(tiny.folder("llama")) as address:
        yield address


@pytest.fixture
def attacked(hostile_server, on_server, tiny):
    """``attacked(result=b"...")`` -> the sentence of a decode that gets that for an answer."""

    def become(what: dict) -> None:
        packed = {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in what.items()
        }
        body = json.dumps(packed).encode()
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{hostile_server}/attack", body, headers))

    def attack(**what: str | bytes) -> str:
        place = hostile_server.replace("://", f"://me:{PASSWORD}@")
        far = on_server(place, tiny.folder("llama"), key=KEY)
        far.check()
        become(what)
        try:
            return failure(lambda: ll.decode(far, ["The"], energy=False, progress=False))
        finally:
            become({})

    yield attack
    far = on_server(hostile_server, tiny.folder("llama"))
    run = ll.decode(far, TEXTS, progress=False)  # an honest answer is taken as before
    assert_equal(run, ll.decode(tiny("llama"), TEXTS, progress=False))


def test_code_in_a_result_does_not_run_here(attacked, tmp_path):
    planted = tmp_path / "planted"
    torch.load(io.BytesIO(whole(Planted(planted))), weights_only=False)
    assert planted.exists()  # unpickled, it would
    planted.unlink()
    for what in (
        {"result": saved({"readings": Planted(planted)})},
        {"result": saved(Planted(planted))},
        {"frame": whole(Planted(planted))},
        {"frame": whole({"id": "1", "status": Status.COMPLETED, "data": Planted(planted)})},
        {"result": zstandard.ZstdCompressor().compress(pickle.dumps(Planted(planted)))},
    ):
        assert "is not an NDIF server" in attacked(**what)
        assert not planted.exists()


def whole(values: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(values, buffer, pickle_protocol=4)
    return buffer.getvalue()


def zeros(*shape: int, names=("probability", "rank", "entropy", "top_ids", "top_probs")) -> dict:
    return {"readings": {name: torch.zeros(shape) for name in names}}


ATTACKS = {
    "a greeting without a session": {"greeting": "{}"},
    "a list as a greeting": {"greeting": "[1]"},
    "a number as a session": {"greeting": '{"session_id": 1}'},
    "a greeting of a megabyte and more": {"greeting": json.dumps({"session_id": "x" * 2**21})},
    "a greeting without end": {"greeting": "[" * 100_000},
    "a list as a message": {"text": "[]"},
    "a message without a status": {"text": '{"id": "1"}'},
    "an empty result": {"text": '{"id": "1", "status": "COMPLETED"}'},
    "a result that is a file": {
        "text": '{"id": "1", "status": "COMPLETED", "data": "file:///etc/hostname"}'
    },
    "bytes": {"frame": b"\x00" * 100},
    "a message that is an array": {"frame": whole(torch.zeros(3))},
    "a result that is not compressed": {"result": b"nonsense"},
    "a list as a result": {"result": saved([1, 2])},
    "other names": {"result": saved({"readings": {}, "model": 1})},
    "other shapes": {"result": saved(zeros(7, 7))},
    "texts for numbers": {"result": saved({"readings": "x"})},
    "a set": {"result": saved({"readings": {1, 2}})},
    "one number that claims to be many": {
        "result": saved({"readings": {"entropy": torch.zeros(1).expand(10**12)}})
    },
    "a result that refers to itself": {
        "result": saved({"readings": (lambda each: each.append(each) or each)([])})
    },
}


@pytest.mark.parametrize("what", ATTACKS.values(), ids=ATTACKS)
def test_what_is_not_a_reply_is_one_sentence(attacked, what):
    assert "is not an NDIF server" in attacked(**what)


@pytest.mark.parametrize("ids", [torch.full((1, 1, 4, 5), 10**6).int(), torch.zeros(1, 1, 4, 5)])
def test_tokens_that_the_model_does_not_have_are_one_sentence(attacked, ids):
    """The answer has the right form: only what it names is wrong."""
    shape = (1, 1, 4)
    readings = {
        "finite": torch.ones(shape, dtype=torch.bool),
        "entropy": torch.zeros(shape),
        "top_ids": ids,
        "top_probs": torch.zeros(ids.shape),
        **{name: torch.zeros(*shape, 0) for name in ("probability", "rank")},
    }
    assert "names tokens that" in attacked(result=saved({"readings": readings}))


def test_a_small_file_that_unpacks_to_gigabytes_takes_no_memory(attacked):
    packer = zstandard.ZstdCompressor().compressobj()
    parts = [packer.compress(bytes(2**26)) for _ in range(48)]  # 3 GB of zeros
    bomb = b"".join([*parts, packer.flush()])
    assert len(bomb) < 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "is not an NDIF server" in attacked(result=bomb)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 500_000, f"{grown / 1e6:.1f} GB"


MARKUP = "<script>alert(1)</script>\x1b[31m\u202e&" * 500


@pytest.mark.parametrize("kind", ["refusal", "error"])
def test_what_a_server_says_is_short_plain_and_without_secrets(attacked, kind):
    """It echoes the key, the password and the headers, in markup of many characters."""
    echo = f"{KEY} {PASSWORD} pass@word "
    said = attacked(**{kind: echo + MARKUP if kind == "refusal" else f"{MARKUP} {echo}"})
    assert ("refused the request" if kind == "refusal" else "failed on the server") in said
    for secret in (KEY, PASSWORD, "pass@word", base64.b64encode(b"me:pass@word").decode()):
        assert secret not in said
    assert "<" not in said and said.isprintable() and len(said) < 600


def test_a_login_in_the_address_is_never_shown(on_server, tiny, tmp_path, monkeypatch, capsys):
    for address in (
        "http://me:pass%40word@127.0.0.1:9",
        "me:pass%40word@127.0.0.1:9",
        "http://me:pass/word@127.0.0.1:9",
    ):
        far = on_server(address, tiny.folder("llama"), key=KEY)
        with pytest.raises(ll.errors.LatentLangError) as caught:
            ll.decode(far, ["The"])
        told = "".join(traceback.format_exception(caught.value)) + repr(far) + str(far.identity)
        told += capsys.readouterr().out
        assert "pass" not in told.replace("passed", "") and KEY not in told


def test_a_login_in_the_address_reaches_the_server(hostile_server, on_server, tiny):
    """As basic authentication, on both ways."""
    connection = server.Connection()
    assert "Authorization" not in connection.headers
    far = on_server(hostile_server.replace("://", "://me:pass%40word@"), tiny.folder("llama"))
    assert far.session.connection.headers["Authorization"] == "Basic bWU6cGFzc0B3b3Jk"
    assert far.session.host == hostile_server and far.identity["dtype"].endswith(hostile_server)


def test_a_server_gives_values_to_no_other_names(locked_server, on_server, tiny):
    far = on_server(locked_server, tiny.folder("llama"), key="open sesame")

    def block():
        other = 1
        with far.trace("The"):
            h = far.traced.layers[1].output[:, -1].save()
        return h, other

    names = server.names_in(block.__code__)
    assert {"h", "other"} <= names and "reader" not in names
    assert block()[1] == 1


def test_plain_values_are_read_as_pickle_reads_them():
    values = {"a": [1, 2.5, None, True, "x" * 300, b"y" * 300], "b": {"c": (), "d": -(2**40)}}
    for protocol in (2, 4, 5):
        if protocol > 2:
            assert reply.plain_values(pickle.dumps(values, protocol=protocol)) == values
    for hostile in (Planted(Path("x")), print, {1, 2}, complex(1, 2)):
        with pytest.raises(ValueError, match="a message"):
            reply.plain_values(pickle.dumps(hostile, protocol=4))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"remote": "yes"}, "Unknown remote"),
        ({"remote": True, "quantization": "8bit"}, "leave quantization, dtype and device out"),
    ],
)
def test_requests_that_make_no_sense(tiny, options, said):
    with pytest.raises(ll.errors.ModelError, match=said):
        ll.load_model(tiny.folder("llama"), **options)


@contextmanager
def elsewhere(answer: int = 200, **headers: str):
    """Yield the address of another host, and the headers of every request that reached it."""
    came: list[dict[str, str]] = []

    class Other(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            self.parse_request()
            came.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answer)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server_:
        threading.Thread(target=server_.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server_.server_port}", came
        server_.shutdown()


def carries_a_secret(headers: dict[str, str]) -> bool:
    return "authorization" in headers or KEY in str(headers) or PASSWORD in str(headers)


def test_a_key_does_not_follow_the_address_of_a_result_to_another_host(attacked):
    with elsewhere() as (address, came):
        text = json.dumps({"id": "1", "status": "COMPLETED", "data": f"{address}/result"})
        assert "is not an NDIF server" in attacked(text=text)
    assert len(came) == 1 and not carries_a_secret(came[0])


def test_a_key_does_not_follow_a_redirect_of_the_request(attacked):
    with elsewhere() as (address, came):
        assert "refused the request" in attacked(redirect=f"{address}/request")
    assert came == []


def test_a_key_does_not_follow_a_redirect_of_the_connection(on_server, tiny):
    """The first request of a session, which asks for a websocket."""
    with elsewhere() as (other, came):
        with elsewhere(302, Location=f"{other.replace('http', 'ws')}/subscribe") as (host, asked):
            login = host.replace("://", f"://me:{PASSWORD}@")
            far = on_server(login, tiny.folder("llama"), key=KEY)
            assert "check NDIF_HOST" in failure(lambda: ll.decode(far, ["The"]))
        assert len(asked) == 1 and carries_a_secret(asked[0])  # so it would be seen
    assert came == []
