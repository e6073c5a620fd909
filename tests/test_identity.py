"""A model is known by the content of its files: a change of any of them is another model."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import latentlang as ll
from latentlang.models import identity
from latentlang.models.catalogue import CATALOGUE, PACKAGED


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


def test_a_file_is_read_again_only_if_its_size_date_or_inode_has_changed(folder):
    """A change behind the file system's back shows which files are read."""
    path, digest = folder / "config.json", identity.folder_digest(folder)
    facts, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:  # in place, and of the same length
        file.write(content.swapcase())
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert path.read_bytes() != content and identity.folder_digest(folder) == digest
    os.utime(path)
    assert identity.folder_digest(folder) != digest


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_memory_is_passed_over(folder, tmp_path, content):
    digest = identity.folder_digest(folder)
    (tmp_path / "cache/latentlang/file-digests.json").write_text(content)
    assert identity.folder_digest(folder) == digest


def test_the_packaged_model_is_known_by_its_source_file(model):
    assert model.identity["revision"] == f"{CATALOGUE[PACKAGED].package.sha256[:16]}-2"
