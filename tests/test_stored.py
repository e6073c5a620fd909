"""A class without weights: precomputed results answer from a read-only folder.

Any other question ends in one sentence.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
import torch

import latentlang as ll
from latentlang.errors import TraceError


@pytest.fixture(scope="module")
def prepared(tiny, tmp_path_factory):
    """Return a folder that the command has filled, and the model's own readings.

    The model's weights are taken away afterwards.
    """
    root = tmp_path_factory.mktemp("class")
    folder, out = root / "weights", root / "shared"
    shutil.copytree(tiny.folder("llama"), folder)
    command = [
        sys.executable,
        "-m",
        "latentlang",
        "precompute",
        "--model",
        str(folder),
        "--pairs",
        "fr-zh",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own_home(root))
    assert "translation fr zh: n = " in done.stdout and "cloze zh: n = " in done.stdout
    real = ll.load_model(folder)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=real.tokenizer)
    readings = ll.decode(real, prompts, progress=False)
    shutil.rmtree(folder)
    return str(folder), out, readings


def own_home(root) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(root / "home"), "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def stored(prepared, monkeypatch, tmp_path):
    name, out, _ = prepared
    monkeypatch.setenv("LATENTLANG_CACHE", str(out))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return ll.load_model(name)


def test_stored_results_answer_without_weights(stored, prepared):
    readings = prepared[2]
    assert stored.module is None and stored.n_layers == 4
    found = ll.run_experiment(stored, "translation", "fr", "zh", progress=False)
    assert list(found.prompts["text"]) == list(readings.prompts["text"])
    torch.testing.assert_close(
        found.probability["zh"], readings.probability["zh"], atol=1e-5, rtol=0
    )
    assert len(ll.run_experiment(stored, "cloze", target="zh", progress=False)) > 0


def test_the_whole_answers_for_a_part(stored, prepared):
    some = ll.run_experiment(stored, "translation", "fr", "zh", every=8, progress=False)
    asked = set(ll.load_words().index[::8])
    rows = [concept in asked for concept in prepared[2].prompts["concept"]]
    assert 0 < len(some) == sum(rows) < len(prepared[2])
    torch.testing.assert_close(some.entropy, prepared[2][rows].entropy, atol=1e-4, rtol=0)


def test_what_was_not_computed_is_one_sentence(stored):
    for work in (
        lambda: ll.run_experiment(stored, "translation", "de", "zh", progress=False),
        lambda: ll.run_experiment(stored, "translation", "fr", "zh", seed=1, progress=False),
        lambda: ll.decode(stored, ["The flower"], progress=False),
        lambda: stored.folded_unembedding(),
    ):
        with pytest.raises(
            TraceError, match=r"weights of .* are not on this machine.*load_model\('gemma-3-270m'\)"
        ):
            work()


def test_explorer_answers_from_the_stored_results(stored):
    root = ll.explore.pair(stored, every=8)
    found = ll.run_experiment(stored, "translation", "fr", "zh", every=8, progress=False)
    figure = root.children[2].children[0]
    assert f"n = {len(found)}" in figure.layout.title.text
    controls = {w.description: w for w in root.children[0].children}
    controls["From"].value = "de"
    for _ in range(1000):
        if "⚠" in root.children[1].value:
            break
        time.sleep(0.01)
    assert "no stored result answers" in root.children[1].value


def test_weights_that_are_here_go_first(prepared, tiny, monkeypatch):
    monkeypatch.setenv("LATENTLANG_CACHE", str(prepared[1]))
    assert ll.load_model(tiny.folder("llama")).module is not None


def test_a_wrong_pair_is_one_sentence(capsys, tmp_path):
    from latentlang.__main__ import main

    assert main(["precompute", "--pairs", "frzh", "--out", str(tmp_path)]) == 1
    assert "write source-target, such as fr-zh" in capsys.readouterr().err


def test_closing_a_stored_model_changes_nothing(stored):
    stored.close()
    assert len(ll.run_experiment(stored, "translation", "fr", "zh", every=8, progress=False)) > 0


def test_results_of_another_version_are_one_sentence(prepared, tmp_path, monkeypatch):
    name, out, _ = prepared
    shutil.copytree(out, tmp_path / "old")
    facts = next((tmp_path / "old").rglob("model.json"))
    facts.write_text(json.dumps({"name": name, "identity": {}, "n_layers": 4}))
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "old"))
    with pytest.raises(
        ll.errors.ModelError, match="another version of latentlang: run .*precompute"
    ):
        ll.load_model(name)
