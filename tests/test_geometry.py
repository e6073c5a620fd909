"""Token energy, the sphere and the folded unembedding against direct formulas and planted paths."""

from __future__ import annotations

import math

import oracle
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.geometry import gram, sphere_axes, sphere_coordinates, token_energy

CENTRED = ("gpt2", "gpt_neo", "gpt_neox", "mpt", "cohere", "olmo")  # models with a LayerNorm before the output


def direct_energy(latents: torch.Tensor, U: torch.Tensor) -> torch.Tensor:
    """The paper's Eq. 2 with every product written out, in double precision."""
    U = U.double() / U.double().norm(dim=-1, keepdim=True)
    h = latents.double()
    v = len(U)
    numerator = (U @ h.reshape(-1, h.shape[-1]).T).square().sum(0).reshape(h.shape[:-1]) / (v * h.square().sum(-1))
    return (numerator / ((U.T @ U).square().sum() / v**2)).sqrt()


def test_energy_by_hand():
    """Four tokens in a plane, h half out of it: (1/4)·(1²+1²)/2 over 1/2."""
    U = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    h = torch.tensor([[1.0, 0, 1], [1, 0, 0], [0, 0, 1], [3, 4, 0]])
    assert token_energy(h, U).tolist() == pytest.approx([math.sqrt(0.5), 1.0, 0.0, 1.0], abs=1e-6)
    assert token_energy(5 * h, 3 * U).tolist() == pytest.approx([math.sqrt(0.5), 1.0, 0.0, 1.0], abs=1e-6)  # no scale matters


@pytest.mark.parametrize(("v", "d"), [(50, 8), (1000, 64), (70_000, 16)])
def test_gram_energy_equals_the_direct_formula(v, d):
    torch.manual_seed(v)
    U, h = torch.randn(v, d) * torch.rand(v, 1) + 0.3, torch.randn(3, 5, d) * 100
    expected = direct_energy(h, U)
    for got in (token_energy(h, U), token_energy(h, gram(U))):
        assert got.shape == (3, 5)
        torch.testing.assert_close(got.double(), expected, atol=0, rtol=1e-5)


def test_energy_of_the_demo_models_tokens(model):
    """Tokens are as close to the tokens as they are to one another: the root mean square of their energies is 1."""
    U = model.folded_unembedding()
    energies = token_energy(U, gram(U)).double()
    assert energies.square().mean().sqrt().item() == pytest.approx(1.0, abs=1e-3)


def test_energy_needs_one_model():
    with pytest.raises(DataError, match="latents have 4 dimensions and the unembedding 3"):
        token_energy(torch.zeros(2, 4), torch.eye(3))


def planted(path: torch.Tensor, n: int = 6, d: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return target rows, pivot rows and latents whose (x, y, z) on the sphere are ``path`` ``[n, layers, 3]``.

    The frame is the standard basis: dimension 0 is the language, 1 to n-1 hold a regular simplex of concepts.
    """
    simplex = torch.eye(n) - 1 / n
    _, _, basis = torch.linalg.svd(simplex)
    corners = torch.nn.functional.normalize(simplex @ basis[: n - 1].T, dim=-1)  # [n, n-1], mean zero
    concept = torch.zeros(n, d)
    concept[:, 1:n] = corners
    language = torch.zeros(d)
    language[0] = 1
    common = torch.zeros(d)
    common[n + 1] = 0.4  # what all words share belongs to no axis
    rest = torch.zeros(d)
    rest[n] = 1
    x, y, z = path.unbind(-1)
    latents = x[..., None] * language + y[..., None] * concept[:, None] + z[..., None] * rest
    return 0.3 * language + 0.5 * concept + common, -0.3 * language + 0.5 * concept + common, latents


def test_sphere_finds_a_planted_path():
    angles = torch.linspace(0, 1, 9)
    x, y = -0.6 * torch.sin(3 * angles), 0.7 * angles
    path = torch.stack([x, y, (1 - x**2 - y**2).sqrt()], -1).expand(6, 9, 3) * 1.0
    path = path * torch.ones(6, 1, 1)
    target, pivot, latents = planted(path)
    found = sphere_coordinates(latents * torch.rand(6, 9, 1).add(0.5), sphere_axes(5 * target, 2 * pivot))
    torch.testing.assert_close(found, path, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(6, 9), atol=1e-5, rtol=0)


def test_the_poles_of_the_sphere():
    x_y_z = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]]).expand(6, 4, 3)
    target, pivot, latents = planted(x_y_z)
    axes = sphere_axes(target, pivot)
    torch.testing.assert_close(sphere_coordinates(latents, axes), x_y_z * 1.0, atol=1e-3, rtol=0)
    u = torch.nn.functional.normalize(target, dim=-1)[:, None]
    assert (sphere_coordinates(u, axes)[..., 0] > 0.1).all()  # a target word leans to the target
    one = sphere_coordinates(latents[[2]], axes[[2]])  # one concept, in the frame of the whole set
    torch.testing.assert_close(one[0], x_y_z[2] * 1.0, atol=1e-3, rtol=0)


def test_axes_are_an_orthonormal_frame():
    torch.manual_seed(1)
    axes = sphere_axes(torch.randn(20, 30), torch.randn(20, 30) + 0.2)
    assert axes.language.norm().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(axes.concept.norm(dim=-1), torch.ones(20), atol=1e-5, rtol=0)
    torch.testing.assert_close(axes.concept @ axes.language, torch.zeros(20), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sphere_axes(torch.zeros(3, 4), torch.zeros(2, 4)), "one shape"),
        (lambda: sphere_axes(torch.zeros(4), torch.zeros(4)), "one shape"),
        (lambda: sphere_axes(torch.zeros(1, 4), torch.zeros(1, 4)), "at least two concepts"),
        (lambda: sphere_coordinates(torch.zeros(3, 4), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))), "n_layers"),
        (lambda: sphere_coordinates(torch.zeros(2, 5, 4), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))), "3 concepts"),
        (lambda: sphere_coordinates(torch.zeros(3, 5, 6), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))), "n_layers, 4.*not .3, 5, 6"),
    ],
)
def test_wrong_shapes_are_one_sentence(call, sentence):
    with pytest.raises(DataError, match=sentence):
        call()


def test_folded_unembedding_gives_the_logits(any_model):
    """U·(h/rms) are the logits before scale and cap, up to what a bias and a mean add: a constant vector for all latents."""
    decoded = ll.decode(any_model, ["The flower", "eau"], keep_latents=True, energy=False, progress=False)
    h = decoded.latents.reshape(-1, any_model.d_model)
    U = any_model.folded_unembedding()
    kind = any_model.module.config.model_type
    if centred := kind in CENTRED:
        torch.testing.assert_close(U.mean(-1), torch.zeros(len(U)), atol=1e-5, rtol=0)
        h = h - h.mean(-1, keepdim=True)
    mine = (h / h.square().mean(-1, keepdim=True).sqrt()) @ U.T
    expected = oracle.unembed(any_model.module, kind, decoded.latents.reshape(-1, any_model.d_model))
    if kind == "gemma2":
        expected = 3 * torch.atanh(expected.double() / 3).float()
    expected = expected * {"granite": 4.0, "cohere": 4.0}.get(kind, 1.0)
    difference = mine - expected
    if centred:
        difference = difference - difference[0]  # the norm's bias, seen through the unembedding
    torch.testing.assert_close(difference, torch.zeros_like(difference), atol=5e-3 * expected.abs().max().item(), rtol=0)


def test_folded_rows_are_weight_times_gain(any_model):
    """The gain that is measured is the one in the weights (1 + w for Gemma, none for OLMo)."""
    kind, folded = any_model.module.config.model_type, any_model.folded_unembedding()
    weight = any_model.lm_head.weight.detach()
    gain = getattr(any_model.final_norm, "weight", torch.ones(any_model.d_model))
    expected = weight * (1 + gain if kind.startswith("gemma") else gain)
    if kind in CENTRED:
        expected = expected - expected.mean(-1, keepdim=True)
    torch.testing.assert_close(folded, expected, atol=1e-4, rtol=1e-4)
