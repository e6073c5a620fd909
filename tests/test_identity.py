"""A model is known by the content of its files: a change of any of them is another model."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch

import latentlang as ll
from latentlang.files import user_cache
from latentlang.models import identity
from latentlang.models.catalogue import CATALOGUE, PACKAGED
from latentlang.runs.precompute import precompute


@pytest.fixture
def folder(tiny, tmp_path, monkeypatch) -> Path:
    """A copy of a random Llama, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(tiny.folder("llama"), tmp_path / "llama"))


def edit(path: Path, key: str, value: object) -> None:
    """Change one value in a JSON file, and give it its old date."""
    facts, content = path.stat(), json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {key: value}), encoding="utf-8")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_changed_configuration_is_computed_again(folder):
    """Also where the file keeps its date: results of before must not answer."""
    ask = {"every": 60, "progress": False}
    before = ll.load_model(folder, dtype="float32")
    first = ll.run_experiment(before, "translation", "fr", "zh", **ask)
    edit(folder / "config.json", "rms_norm_eps", 0.5)
    after = ll.load_model(folder, dtype="float32")
    second = ll.run_experiment(after, "translation", "fr", "zh", **ask)
    fresh = ll.run_experiment(after, "translation", "fr", "zh", refresh=True, **ask)
    assert before.identity != after.identity
    assert not second.entropy.equal(first.entropy) and second.entropy.equal(fresh.entropy)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "tokenizer.json"])
def test_every_file_counts(folder, name):
    before = identity.folder_digest(folder)
    edit(folder / name, "note", "changed")
    assert identity.folder_digest(folder) != before


def test_place_and_date_do_not_count(folder, tmp_path):
    copied = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    os.utime(copied / "config.json")
    assert identity.folder_digest(copied) == identity.folder_digest(folder)


def memory() -> tuple[Path, dict[str, list]]:
    """Return where digests are remembered, and those that are."""
    path = user_cache() / "file-digests.json"
    return path, json.loads(path.read_text(encoding="utf-8"))


def test_a_file_is_read_again_only_if_it_was_touched(folder):
    """A wrong digest in the memory shows which files are read."""
    config, digest = folder / "config.json", identity.folder_digest(folder)
    path, known = memory()
    known[str(config)][-1] = "0" * 64
    path.write_text(json.dumps(known), encoding="utf-8")
    assert identity.folder_digest(folder) != digest
    facts = config.stat()
    os.utime(config, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # the date stays; the inode knows
    assert identity.folder_digest(folder) == digest


def test_an_edit_in_place_that_keeps_size_and_date_is_seen(folder):
    path, digest = folder / "config.json", identity.folder_digest(folder)
    facts, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.write(content.swapcase())
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert path.stat().st_size == facts.st_size and identity.folder_digest(folder) != digest


def test_the_memory_holds_one_entry_per_file_that_exists(folder, tmp_path):
    gone = Path(shutil.copytree(folder, tmp_path / "gone"))
    for _ in range(3):
        os.utime(gone / "config.json")
        identity.folder_digest(gone)
    shutil.rmtree(gone)
    identity.folder_digest(folder)
    assert {Path(file).parent for file in memory()[1]} == {folder}


def test_a_repository_is_known_by_its_commit_and_the_hubs_hashes(folder, tmp_path, monkeypatch):
    """In the hub's cache each file is a link to a blob, which is called by its content's hash."""
    commit, repository = "c" * 40, tmp_path / "hub" / "models--some--model"
    snapshot, blobs = repository / "snapshots" / commit, repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for path in folder.iterdir():
        blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copy(path, blob)
        (snapshot / path.name).symlink_to(Path("../..") / "blobs" / blob.name)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    first = identity.revision_of("some/model", "some/model", None)
    assert first == f"{commit}-{identity.folder_digest(folder)}"
    assert not any("hub" in Path(file).parts for file in memory()[1]), "a blob was read"
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(Path("../..") / "blobs" / ("0" * 40))
    (blobs / ("0" * 40)).write_text("{}")
    assert identity.revision_of("some/model", "some/model", None) != first


CHANGES = {
    "in place": lambda w: w.mul_(1.5),
    "one row": lambda w: w[5].zero_(),
    "through data": lambda w: w.data.mul_(1.5),
    "other data": lambda w: setattr(w, "data", w.data * 1.5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_weights_are_neither_kept_nor_answered_from_disk(folder, change):
    """Also the token energy, whose Gram matrix is kept in memory, is that of the new weights."""
    model = ll.load_model(folder, dtype="float32")
    ask = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    before = ll.run_experiment(model, **ask)
    stored = sorted((user_cache() / "results").glob("*.safetensors"))
    with torch.no_grad():
        change(model.lm_head.weight)
    with pytest.warns(UserWarning, match="have changed since they were loaded"):
        after = ll.run_experiment(model, **ask, keep_latents=True)
    own = model.lm_head(model.final_norm(after.latents[0, -1]))
    direct = torch.distributions.Categorical(logits=own.double()).entropy() / math.log(2)
    torch.testing.assert_close(after.entropy[0, -1].double(), direct, atol=1e-4, rtol=0)
    energy = ll.geometry.token_energy(after.latents, model.folded_unembedding())
    torch.testing.assert_close(after.energy, energy)
    assert not torch.equal(after.entropy, before.entropy)
    assert sorted((user_cache() / "results").glob("*.safetensors")) == stored
    with pytest.raises(ll.errors.ModelError, match="load it again"):
        next(precompute(model, user_cache() / "out"))


def test_a_replaced_weight_is_a_change(folder):
    model = ll.load_model(folder, dtype="float32")
    assert not model.session.changed
    norm = model.final_norm
    norm.weight = torch.nn.Parameter(norm.weight.clone(), requires_grad=False)
    assert model.session.changed


def test_reading_a_model_does_not_change_it(random_model):
    ll.decode(random_model, ["The flower", "La fleur est dans l'eau"], progress=False)
    assert not random_model.session.changed


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_memory_is_passed_over(folder, tmp_path, content):
    digest = identity.folder_digest(folder)
    (tmp_path / "cache/latentlang/file-digests.json").write_text(content)
    assert identity.folder_digest(folder) == digest


def test_the_packaged_model_is_known_by_its_source_file(model):
    assert model.identity["revision"] == f"{CATALOGUE[PACKAGED].package.sha256[:16]}-2"
