"""What a reader, a file, a device or a signal does wrong ends in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pandas as pd
import pytest
import torch
from tiny import TEXTS
from transformers import AutoConfig, AutoModelForCausalLM

import latentlang as ll
from latentlang.errors import DataError, LatentLangError, ModelError, TraceError
from latentlang.lens.sweep import Sweeping
from latentlang.models.architectures import find_architecture
from latentlang.progress import Interruption

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 49\n"


def sentence(action: Callable[[], object], kind: type[LatentLangError] = LatentLangError) -> str:
    """Return the one sentence with which an action fails."""
    with pytest.raises(kind) as caught:
        action()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 900
    return str(caught.value)


@pytest.fixture
def copied(tiny, tmp_path) -> Path:
    """A copy of a model's folder, which a test may damage."""
    return shutil.copytree(tiny.folder("llama"), tmp_path / "model")


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


DAMAGES = {
    "weights cut in half": ("model.safetensors", half, "cannot be read"),
    "a pointer for weights": ("model.safetensors", lambda _: POINTER, "(Git LFS)"),
    "empty weights": ("model.safetensors", lambda _: b"", "bring the whole file again"),
    "half a configuration": ("config.json", half, "holds a complete model"),
    "a tokenizer that is a list": ("tokenizer.json", lambda _: b"[]", "holds a complete model"),
    "half a tokenizer": ("tokenizer.json", half, "holds a complete model"),
    "a number for its options": ("tokenizer_config.json", lambda _: b"5", "complete model"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_one_sentence_that_names_the_folder(copied, damage):
    name, change, said = damage
    path = copied / name
    path.write_bytes(change(path.read_bytes()))
    told = sentence(lambda: ll.load_model(copied), ModelError)
    assert said in told and str(copied) in told


CONFIGURATIONS = {
    "num_attention_heads": 7,
    "hidden_size": "64",
    "rms_norm_eps": "1e-5",
    "vocab_size": None,
    "num_hidden_layers": -1,
    "hidden_act": "nonsense",
    "num_key_value_heads": 3,
}


@pytest.mark.parametrize("key", CONFIGURATIONS)
@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}], ids=["", "float32"])
@pytest.mark.filterwarnings("ignore:The weights in")
def test_a_configuration_that_cannot_be_is_one_sentence(copied, key, options):
    path = copied / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: CONFIGURATIONS[key]}))
    assert str(copied) in sentence(lambda: ll.load_model(copied, **options), ModelError)


@pytest.mark.parametrize("name", ["models", "offline", "connection", "gated repo", "out of memory"])
def test_the_name_of_a_folder_is_not_taken_for_the_cause(copied, tmp_path, name):
    folder = tmp_path / name / "m"
    folder.parent.mkdir()
    copied.rename(folder)
    (folder / "model.safetensors").unlink()
    assert "has no safetensors weights" in sentence(lambda: ll.load_model(folder), ModelError)


GPUS = [] if torch.cuda.is_available() else ["cuda", "cuda:0"]


@pytest.mark.parametrize("device", ["gpu", "auto", "meta", "cuda:x", "CPU", 5, *GPUS])
def test_a_device_that_is_not_there_is_one_sentence(tiny, device):
    told = sentence(lambda: ll.load_model(tiny.folder("llama"), device=device), ModelError)
    assert f"The device '{device}' cannot run a model here" in told and "leave device out" in told


@pytest.mark.parametrize("name", ["", "/no/such/place", "x" * 5000, "a\0b", "a/b/c", "a b/c"])
def test_a_name_that_cannot_be_is_one_sentence(name):
    with pytest.raises(ModelError, match="Unknown model"):
        ll.load_model(name)


@pytest.mark.parametrize(
    "parts", ["model.layers", 5, [("layers", "model.layers")], {"final_norm": "model.layers"}]
)
def test_parts_that_name_nothing_are_one_sentence(tiny, parts):
    told = sentence(lambda: ll.load_model(tiny.folder("llama"), parts=parts), ModelError)
    assert told.startswith(f"parts={parts!r}")


_GPT = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 40}
_LARGE = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
POSITIONS = {
    "gpt2": _GPT,
    "gpt_bigcode": _GPT,
    "openai-gpt": _GPT,
    "gptj": _GPT | {"rotary_dim": 8},
    "codegen": _GPT | {"n_head": 4, "n_embd": 64, "rotary_dim": 8},
    "gpt_neo": {
        "hidden_size": 32,
        "num_layers": 1,
        "num_heads": 2,
        "attention_types": [[["global"], 1]],
        "max_position_embeddings": 40,
    },
    "mpt": {"d_model": 32, "n_heads": 2, "n_layers": 1, "max_seq_len": 40},
    "opt": _LARGE | {"word_embed_proj_dim": 32, "ffn_dim": 32},
    "biogpt": _LARGE,
    "llama": _LARGE | {"num_key_value_heads": 2},
    "gpt_neox": _LARGE,
    "phi": _LARGE,
    "bloom": {"hidden_size": 32, "n_layer": 1, "n_head": 2},
    "falcon": _LARGE | {"alibi": True},
    "xglm": {
        "d_model": 32,
        "ffn_dim": 32,
        "num_layers": 1,
        "attention_heads": 2,
        "max_position_embeddings": 40,
    },
}


@pytest.mark.parametrize("kind", POSITIONS)
def test_the_longest_text_is_what_a_plain_forward_reads(kind):
    """One token more fails in transformers, or nothing does."""
    config = AutoConfig.for_model(kind, vocab_size=50, **POSITIONS[kind])
    module = AutoModelForCausalLM.from_config(config).eval()
    longest = find_architecture(module).longest_text(module)
    reads = {}
    for length in (40, 41, 45):
        try:
            module(input_ids=torch.full((1, length), 7))
            reads[length] = True
        except (IndexError, RuntimeError):
            reads[length] = False
    assert reads == {length: length <= longest for length in reads}
    assert longest in (40, float("inf"))


@pytest.mark.parametrize("name", ["gpt2", "opt", "openai-gpt"])
def test_a_text_beyond_the_models_positions_is_one_sentence(tiny, name):
    model = tiny(name)
    text, n = "x ", model.longest_text
    while len(model.tokenizer(text)["input_ids"]) < n:
        text += "x "
    fits = text.rstrip()
    while len(model.tokenizer(fits)["input_ids"]) > n:
        fits = fits[:-1]
    run = ll.decode(model, [fits], progress=False)
    ids = torch.tensor([model.tokenizer(fits)["input_ids"]])
    own = model.forward(input_ids=ids).logits[0, -1].softmax(-1)
    torch.testing.assert_close(run.top_probs[0, -1], own.topk(5).values, atol=1e-5, rtol=1e-3)
    longer = text * 2
    vector = torch.ones(model.d_model)
    for ask in (
        lambda: ll.decode(model, [*TEXTS, longer], progress=False),
        lambda: ll.decode(model, [longer], positions="all", progress=False),
        lambda: ll.latents_at(model, [longer]),
        lambda: ll.lenses.patchscope(model, [fits], identity=longer, progress=False),
        lambda: ll.lenses.fit_linear(model, [*TEXTS * 9, longer], progress=False),
        lambda: ll.decode(model, [longer], interventions=[ll.Steer(vector)], progress=False),
    ):
        assert f"reads at most {n} tokens" in sentence(ask, TraceError)


def test_a_continuation_beyond_the_models_positions_is_one_sentence(tiny):
    model = tiny("gpt2")
    words = ll.load_words().iloc[:12]
    prompts = ll.build_prompts("repetition", target="zh", tokenizer=model.tokenizer, words=words)
    vector = torch.ones(model.d_model)
    room = 256 - min(len(model.tokenizer(prompt.text)["input_ids"]) for prompt in prompts)
    ask = {"continue_tokens": room + 2, "allow_seen": True}
    told = sentence(lambda: Sweeping(model, prompts[:2], ll.Steer(vector), **ask), TraceError)
    assert "reads at most 256 tokens" in told


INTERRUPTED = """
import sys
import latentlang as ll
model = ll.load_model(sys.argv[1], dtype="float32")
ll.explore.pair(model, every=16)  # imports what is needed
print("ready", flush=True)
for seed in range(10**6):
    {call}
"""
CALLS = {
    "an experiment": 'll.run_experiment(model, "translation", "fr", "zh", seed=seed, every=2)',
    "an explorer": 'll.explore.pair(model, task="cloze", every=2 + seed)',
    "positions": 'll.decode(model, ["the flower in the water is " * 20], positions="all")',
    "a fit": "ll.lenses.fit_linear(model, seed=seed)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_interrupt_is_one_sentence_and_no_long_traceback(tiny, tmp_path, call):
    """A real signal, at any moment of the work."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(call=call))
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(script), str(tiny.folder("llama"))]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while "ready" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        told = ""
        for wait in (1, 5, 20):  # Python drops an interrupt in a destructor; a reader tries again
            try:
                _, told = process.communicate(timeout=wait)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
        else:
            process.kill()
    assert (
        told.rstrip()
        .splitlines()[-1]
        .startswith("latentlang.progress.Interruption: Stopped: run the cell again")
    ), told
    assert told.rpartition("Traceback")[2].count("  File ") == 2, told  # the reader's line and ours


def test_a_notebook_shows_one_line_of_an_interrupt(tiny, capsys):
    from IPython.core.interactiveshell import InteractiveShell

    model, shell = tiny("llama"), InteractiveShell()

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    shell.user_ns.update(ll=ll, model=model, interrupt=interrupt)
    capsys.readouterr()
    ask = 'll.run_experiment(model, "repetition", target="zh", seed=5, every=9, '
    result = shell.run_cell(ask + "refresh=True, progress=interrupt)")
    assert isinstance(result.error_in_exec, Interruption)
    shown = "".join(capsys.readouterr()).strip()
    assert shown.startswith("Stopped: run the cell again") and "\n" not in shown


REPORT = "import latentlang as ll; print(ll.checks.check_environment())"


def report(**changed: str) -> list[str]:
    """Return the environment report of a process with these variables."""
    env = {**os.environ, **changed}
    command = [sys.executable, "-c", REPORT]
    return (
        subprocess.run(command, env=env, capture_output=True, check=True)
        .stdout.decode("utf-8")
        .splitlines()
    )


def test_a_renderer_that_plotly_does_not_have_is_named():
    (problem,) = [line for line in report(PLOTLY_RENDERER="nonsense") if "PLOTLY" in line]
    assert problem.startswith("⚠ PLOTLY_RENDERER=nonsense names no way") and "unset it" in problem
    assert not [line for line in report(PLOTLY_RENDERER="png+svg") if "PLOTLY" in line]


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_an_output_without_letters_of_other_scripts_is_named_and_printed_to(tiny, tmp_path):
    problems = [line for line in report(**ASCII) if "PYTHONUTF8" in line]
    assert len(problems) == 1 and "ascii only" in problems[0] and "set PYTHONUTF8=1" in problems[0]
    env = {**os.environ, **ASCII}
    command = [sys.executable, "-m", "latentlang", "words", "zh", "--concept", "flower"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert r"\u82b1" in done.stdout  # 花, as its code


NO_WORDS = (["fleur"], 5, b"fleur", None, "", " ", {"fleur": 1})


@pytest.mark.parametrize("word", NO_WORDS)
def test_what_is_not_a_word_is_one_sentence(tiny, word):
    told = sentence(lambda: ll.start_ids(word, tiny("llama").tokenizer), DataError)
    assert told.startswith(f"{word!r} is not a word")


NUMBERS = {
    "energy": lambda x: ll.geometry.token_energy(x, torch.eye(3)),
    "unembedding": lambda x: ll.geometry.token_energy(torch.ones(2, 3), x),
    "rotation": lambda x: ll.geometry.procrustes(x, x),
    "ranks": lambda x: ll.geometry.token_ranks(x, torch.eye(3), [0, 1]),
    "axes": lambda x: ll.geometry.sphere_axes(x, torch.eye(3)[:2]),
    "map": lambda x: ll.geometry.latent_mds(x),
    "interval": lambda x: ll.metrics.mean_ci(x),
}


@pytest.mark.parametrize("ask", NUMBERS.values(), ids=NUMBERS)
def test_a_list_and_an_array_are_as_good_as_a_tensor(ask, monkeypatch):
    """As a reader has it: only the tests hold arguments against their annotations."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    numbers = torch.tensor([[-1.0, -2.0, -0.5], [-0.25, -1.0, -3.0]])
    expected = ask(numbers)
    for values in (numbers.tolist(), numbers.numpy()):
        got = ask(values)
        for name in vars(expected) if hasattr(expected, "__dict__") else ():
            one, other = getattr(expected, name), getattr(got, name)
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
        if isinstance(expected, torch.Tensor):
            assert torch.equal(expected, got)
    for values in ("x", None, [["x"]], [[1.0], [1.0, 2.0]]):
        assert "must be numbers" in sentence(lambda values=values: ask(values), DataError)


@pytest.mark.parametrize("name", ["target", 5, "../languages/en/words", ""])
def test_an_unknown_table_is_one_sentence(name):
    assert "There are atlas" in sentence(lambda: ll.data.results(name), DataError)


@pytest.mark.parametrize("control", [None, "random", "shuffled"])
def test_prompts_take_work_in_proportion_to_the_words(tiny, control):
    """Eight times the words are about eight times the calls; seconds are in the benchmarks."""
    calls = {}
    for count in (250, 2000):
        table = pd.DataFrame(
            {
                "concept": [f"c{n}" for n in range(count)],
                **{code: [word(n, code) for n in range(count)] for code in ("en", "fr")},
                "zh": [chr(0x4E00 + n % 3000) + chr(0x4E00 + n // 3) for n in range(count)],
            }
        )
        calls[count] = 0

        def count_calls(frame, event, argument, count=count) -> None:
            calls[count] += event == "call"

        ask = {"tokenizer": tiny("llama").tokenizer, "words": table, "control": control}
        sys.setprofile(count_calls)
        try:
            ll.build_prompts("translation", "fr", "zh", **ask)
        finally:
            sys.setprofile(None)
    assert calls[2000] < 12 * calls[250], calls


def word(number: int, code: str) -> str:
    """Return a word of four syllables; those of many concepts begin alike, as in a real list."""
    syllables = "ba ke lo mi nu ra se ti" if code == "en" else "vo zu pa ge di fo hu je"
    return "".join(syllables.split()[number * step // 7 % 8] for step in (7, 11, 13, 29))


def test_an_account_without_rights_and_chromium_hears_whom_to_ask(tmp_path):
    """No apt-get is on PATH, and Playwright's download fails: nobody listens at its address."""
    script = Path(__file__).parent / "browser" / "chromium.py"
    env = {"PATH": "", "HOME": str(tmp_path), "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    asked, told = done.stderr.strip().splitlines()
    assert asked.startswith("+ ") and "ask the administrator" in told and "chromium" in told


def test_code_beside_the_weights_of_a_shared_place_does_not_run(copied, tmp_path):
    """Whoever can write there could plant it; the weights are tensors and are read as before."""
    planted = tmp_path / "planted"
    (copied / "evil.py").write_text(f"open({str(planted)!r}, 'w').close()")
    path = copied / "config.json"
    names = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": names}))
    tokens = copied / "tokenizer_config.json"
    other = {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}
    tokens.write_text(json.dumps(json.loads(tokens.read_text()) | other))
    (copied / "pytorch_model.bin").write_bytes(b"not a pickle that anybody opens")
    model = ll.load_model(copied, dtype="float32")
    assert len(ll.decode(model, TEXTS, progress=False)) == len(TEXTS)
    assert not planted.exists()
