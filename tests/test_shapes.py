"""The shapes in the signatures hold: a wrong one is found, in the library and in what travels."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapes
import torch
from jaxtyping import TypeCheckError

import latentlang as ll
from latentlang.lens.run import Run


def test_a_wrong_shape_is_found():
    assert ll.metrics.resample(torch.tensor([0, 1, 1]), 2).shape == (2, 3)
    with pytest.raises(TypeCheckError, match="codes"):
        ll.metrics.resample(torch.tensor([[0, 1], [1, 0]]), 2)


def test_a_wrong_result_is_found(monkeypatch):
    monkeypatch.setattr("latentlang.analysis.energy.energy_of", lambda latents, g: latents)
    with pytest.raises(TypeCheckError, match="return value"):
        ll.geometry.token_energy(torch.ones(2, 3), torch.eye(3))


def test_the_refusal_of_a_function_comes_first():
    with pytest.raises(ll.errors.DataError, match="one shape"):
        ll.geometry.procrustes(torch.eye(2), torch.eye(3))


def test_objects_are_checked_when_they_are_made():
    with pytest.raises(TypeCheckError, match="concept"):
        ll.geometry.SphereAxes(torch.ones(3), torch.ones(2, 4))


def test_the_modules_with_shapes_are_found():
    names = shapes.modules()
    some = {"latentlang.lens.run", "latentlang.lens.decoding", "latentlang.plots.evidence"}
    assert some < {*names}
    assert "latentlang.lens.readings" not in names
    assert Run.__module__ in names


_AS_A_TYPE_CHECKER_READS_THEM = """
import typing

import jaxtyping
import shapes
import torch

MODULES = ["models.view", "lens.energy", "lens.readings", "lens.reduce"]
with jaxtyping.install_import_hook([f"latentlang.{name}" for name in MODULES], shapes.CHECKER):
    typing.TYPE_CHECKING = True
    import latentlang.lens.reduce
    typing.TYPE_CHECKING = False

import latentlang as ll
from latentlang.lens.readings import TokenSets

targets = [{"en": [1, 2], "zh": [5]}, {"en": [3], "zh": []}]
model = ll.load_model(FOLDER, dtype="float32")
print(ll.decode(model, ["the sky", "a"], targets, watch=[1], keep_latents=True))
try:
    TokenSets.of(targets, ["en"]).at(torch.tensor([[0]]))
except jaxtyping.TypeCheckError:
    print("A wrong shape was found.")
"""


def test_the_modules_that_travel_have_true_shapes_too(tiny, run_python):
    """A server gets their source, so they carry no check: one is added in another process."""
    code = f"FOLDER = {str(tiny.folder('llama'))!r}\n{_AS_A_TYPE_CHECKER_READS_THEM}"
    said = run_python(code, PYTHONPATH=str(Path(__file__).parent))
    assert "Run(2 prompts x 4 layers" in said and "A wrong shape was found." in said
