"""The lens that ships: nearly the same readings in a small file, and no fit for the reader."""

from __future__ import annotations

import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.lenses.low_rank import load_small, save_small
from latentlang.lenses.reading import token_latents
from latentlang.lenses.recipes import left_out
from latentlang.runs.fitted import fitted, shipped_file
from tools import ROOT

TEXTS = [f"{n} and {n + 1} make {2 * n + 1}, as far as anybody knows." for n in range(40)]
QUIET = {"progress": False}


@pytest.fixture(scope="module")
def fit(tiny):
    """Return a model, a lens for it, latents, and rows of its unembedding."""
    model = tiny("llama")
    lens = ll.lenses.fit_linear(model, TEXTS, **QUIET)
    encoded = [model.tokenizer(text)["input_ids"] for text in TEXTS]
    h = torch.cat(token_latents(model, encoded, False))
    return model, lens, h, model.folded_unembedding(range(model.vocab_size))


def test_at_full_rank_nothing_is_lost_but_precision(fit, tmp_path):
    model, lens, h, rows = fit
    small = load_small(save_small(lens, tmp_path / "small", model.d_model, h, rows))
    assert (small.name, small.layers, small.concepts) == (lens.name, lens.layers, lens.concepts)
    x = h[:, :-1].transpose(0, 1)
    exact, found = (x @ each.matrices.mT for each in (lens, small))
    assert (found - exact).norm() < 0.01 * exact.norm()


def test_no_other_matrix_of_the_rank_changes_the_logits_less(fit, tmp_path):
    """Against the nearest matrix by its own numbers, and random steps away from the best one."""
    model, lens, h, rows = fit
    rank, generator = 6, torch.Generator().manual_seed(0)
    small = load_small(save_small(lens, tmp_path / "small", rank, h, rows))
    same = torch.eye(model.d_model)

    def loss(matrix: torch.Tensor, place: int) -> torch.Tensor:
        x = h[:, lens.layers[place] - 1]
        return ((x @ (matrix - lens.matrices[place]).T) @ rows.T).square().sum()

    for place, exact in enumerate(lens.matrices):
        u, s, v = torch.linalg.svd(exact - same)
        plain = same + (u[:, :rank] * s[:rank]) @ v[:rank]
        best = loss(small.matrices[place], place)
        assert best < loss(plain, place)
        left, s, right = torch.linalg.svd(small.matrices[place] - same)
        left, right = left[:, :rank] * s[:rank], right[:rank]
        for _ in range(10):
            step = 0.1 * torch.randn(left.shape, generator=generator) * left.std()
            assert best < 1.02 * loss(same + (left + step) @ right, place)


def test_a_file_of_another_kind_is_one_sentence(fit, tmp_path):
    _, lens, *_ = fit
    with pytest.raises(DataError, match="is not a file that make lenses wrote"):
        load_small(lens.save(tmp_path / "lens.safetensors"))


def test_the_lens_that_ships_is_that_of_today(model, monkeypatch, tmp_path):
    """It answers for its name at once; its text is about none of the concepts of the store."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nothing is fitted or kept there
    path = ROOT / "data" / "lenses" / shipped_file(model, "linear")
    assert [each.name for each in path.parent.iterdir()] == [path.name], "make lenses"
    assert path.stat().st_size < 10_000_000
    lens = fitted(model, "linear", False)
    assert not list(tmp_path.rglob("*.safetensors"))
    assert lens.layers == tuple(range(1, 18)) and not set(lens.concepts) & set(left_out())
    assert (lens.quality["this lens"] < lens.quality["logit lens"]).all()
