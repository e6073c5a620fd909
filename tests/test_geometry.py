"""Token energy, the sphere and the folded unembedding against direct formulas and planted paths."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
import scipy.linalg
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.geometry import (
    gram,
    latent_mds,
    procrustes,
    sphere_axes,
    sphere_coordinates,
    token_energy,
    token_ranks,
)

CENTRED = (
    "bloom",
    "xglm",
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "mpt",
    "cohere",
    "olmo",
)  # models with a LayerNorm before the output


def direct_energy(latents: torch.Tensor, U: torch.Tensor) -> torch.Tensor:
    """The paper's Eq. 2 with every product written out, in double precision."""
    U = U.double() / U.double().norm(dim=-1, keepdim=True)
    h = latents.double()
    v = len(U)
    numerator = (U @ h.reshape(-1, h.shape[-1]).T).square().sum(0).reshape(h.shape[:-1]) / (
        v * h.square().sum(-1)
    )
    return (numerator / ((U.T @ U).square().sum() / v**2)).sqrt()


def test_energy_by_hand():
    """Four tokens in a plane, h half out of it: (1/4)·(1²+1²)/2 over 1/2."""
    U = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    h = torch.tensor([[1.0, 0, 1], [1, 0, 0], [0, 0, 1], [3, 4, 0]])
    assert token_energy(h, U).tolist() == pytest.approx([math.sqrt(0.5), 1.0, 0.0, 1.0], abs=1e-6)
    assert token_energy(5 * h, 3 * U).tolist() == pytest.approx(
        [math.sqrt(0.5), 1.0, 0.0, 1.0], abs=1e-6
    )  # no scale matters


@pytest.mark.parametrize(("v", "d"), [(50, 8), (1000, 64), (70_000, 16)])
def test_gram_energy_equals_the_direct_formula(v, d):
    torch.manual_seed(v)
    U, h = torch.randn(v, d) * torch.rand(v, 1) + 0.3, torch.randn(3, 5, d) * 100
    expected = direct_energy(h, U)
    for got in (token_energy(h, U), token_energy(h, gram(U))):
        assert got.shape == (3, 5)
        torch.testing.assert_close(got.double(), expected, atol=0, rtol=1e-5)


def test_energy_of_the_demo_models_tokens(model):
    """Tokens are as close to the tokens as to one another: their energies have an RMS of 1."""
    U = model.folded_unembedding()
    energies = token_energy(U, gram(U)).double()
    assert energies.square().mean().sqrt().item() == pytest.approx(1.0, abs=1e-3)


def test_energy_of_the_demo_models_latents_equals_the_direct_formula(model):
    """Real latents have giant dimensions, on which single precision fails.

    Every product is written out in double precision.
    """
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:2]
    run = ll.decode(model, prompts, keep_latents=True, progress=False)
    assert (run.latents.square().amax(-1) / run.latents.square().sum(-1)).median() > 0.5, (
        "no giant dimension to test with"
    )
    expected = direct_energy(run.latents, model.folded_unembedding())
    torch.testing.assert_close(run.energy.double(), expected, atol=0, rtol=1e-5)


def test_energy_needs_one_model():
    with pytest.raises(DataError, match="latents have 4 dimensions and the unembedding 3"):
        token_energy(torch.zeros(2, 4), torch.eye(3))


def planted(
    path: torch.Tensor, n: int = 6, d: int = 40
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return target rows, pivot rows, and latents whose place on the sphere is given.

    ``path`` ``[n, layers, 3]`` has their (x, y, z).

    The frame is the standard basis: dimension 0 is the language, and 1 to n-1 hold a regular
    simplex of concepts.
    """
    simplex = torch.eye(n) - 1 / n
    _, _, basis = torch.linalg.svd(simplex)
    corners = torch.nn.functional.normalize(
        simplex @ basis[: n - 1].T, dim=-1
    )  # [n, n-1], mean zero
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
    return (
        0.3 * language + 0.5 * concept + common,
        -0.3 * language + 0.5 * concept + common,
        latents,
    )


def test_sphere_finds_a_planted_path():
    angles = torch.linspace(0, 1, 9)
    x, y = -0.6 * torch.sin(3 * angles), 0.7 * angles
    path = torch.stack([x, y, (1 - x**2 - y**2).sqrt()], -1).expand(6, 9, 3) * 1.0
    path = path * torch.ones(6, 1, 1)
    target, pivot, latents = planted(path)
    found = sphere_coordinates(
        latents * torch.rand(6, 9, 1).add(0.5), sphere_axes(5 * target, 2 * pivot)
    )
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


def test_the_frame_favours_neither_language():
    """Midpoints of unit vectors are equally near to both, so y of the tokens hardly differs.

    Only what is subtracted of the midpoint can make a difference: with one pair planted among
    opposite ones, whose mean midpoint is 0, and no language in them, it is none.
    """
    torch.manual_seed(0)
    one = torch.nn.functional.normalize(torch.randn(8, 30), dim=-1)
    one[:, 0] = 0
    target, pivot = torch.cat([one, -one]), torch.cat([one.roll(1, 1), -one.roll(1, 1)])
    target[:, 0] += 0.3
    pivot[:, 0] = -0.3
    target, pivot = (torch.nn.functional.normalize(u, dim=-1) for u in (target, pivot))
    axes = sphere_axes(target, pivot)
    y = [sphere_coordinates(u[:, None], axes)[:, 0, 1] for u in (target, pivot)]
    torch.testing.assert_close(*y, atol=0.05, rtol=0)
    assert y[0].min() > 0.5


def test_the_pole_is_not_the_absence_of_words(model):
    """The words' own tokens have z near 0.7, and a latent at the pole may point at all of them."""
    prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[::8]
    ids = {code: [min(p.token_ids[code]) for p in prompts] for code in ("en", "zh")}
    tokens = {code: model.folded_unembedding(rows) for code, rows in ids.items()}
    axes = sphere_axes(tokens["zh"], tokens["en"])
    for u in tokens.values():
        assert 0.5 < sphere_coordinates(u[:, None], axes)[:, 0, 2].mean() < 0.85
    shared = sum(torch.nn.functional.normalize(u, dim=-1).mean(0) for u in tokens.values())
    for direction in (axes.language[None], axes.concept):
        basis = torch.linalg.qr(direction.T)[0]
        shared = shared - basis @ (basis.T @ shared)
    everywhere = shared.expand(len(prompts), 1, -1)
    assert sphere_coordinates(everywhere, axes)[..., 2].min() > 0.99
    assert (torch.nn.functional.normalize(tokens["zh"], dim=-1) @ shared).mean() > 0


def test_axes_are_an_orthonormal_frame():
    torch.manual_seed(1)
    axes = sphere_axes(torch.randn(20, 30), torch.randn(20, 30) + 0.2)
    assert axes.language.norm().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(axes.concept.norm(dim=-1), torch.ones(20), atol=1e-5, rtol=0)
    torch.testing.assert_close(axes.concept @ axes.language, torch.zeros(20), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("target", "pivot", "sentence"),
    [
        (torch.randn(1, 64).repeat(3, 1), torch.randn(1, 64).repeat(3, 1), "at least two concepts"),
        (torch.randn(1, 64), torch.randn(1, 64), "at least two concepts"),
        (torch.zeros(3, 64), torch.zeros(3, 64), "at least two concepts"),
        (torch.randn(4, 64), None, "same tokens, so no axis lies between the languages"),
        (torch.eye(3)[[0, 1]], torch.eye(3)[[1, 0]], "at least two concepts"),  # one midpoint
    ],
)
def test_a_direction_of_rounding_noise_is_not_a_direction(target, pivot, sentence):
    """Equal rows differ by less than 1e-6 of their length, and that must not become an axis."""
    for scale in (1.0, 1e-4, 1e4):
        with pytest.raises(DataError, match=sentence):
            sphere_axes(scale * target, scale * (target if pivot is None else pivot))


def test_a_concept_that_differs_along_the_language_alone_has_no_axis():
    """Midpoints 1/2 (e0 + e1) and e0, with e1 - e0 as the language axis."""
    target, pivot = torch.eye(3)[[1, 0]], torch.eye(3)[[0, 0]]
    with pytest.raises(DataError, match="only along the language axis"):
        sphere_axes(target, pivot)


def test_gram_of_blocks_is_that_of_the_whole():
    torch.manual_seed(0)
    U = torch.randn(1000, 12)
    blocks = gram(iter(U.split(300)))
    assert blocks.n_tokens == 1000
    torch.testing.assert_close(blocks.matrix, gram(U).matrix, atol=1e-4, rtol=1e-6)
    for numbers in (U.tolist(), U.numpy(), list(U.split(300))):
        torch.testing.assert_close(gram(numbers).matrix, gram(U).matrix, atol=1e-4, rtol=1e-6)


@pytest.mark.parametrize("U", [3, None, "U", [], {}, torch.ones(3), np.ones((2, 3, 4)), iter(())])
def test_gram_of_anything_but_rows_is_one_sentence(U):
    sentence = r"^U must be (numbers|rows).*(\[V, d_model\]|list)|^U has no rows: .*\[V, d_model\]"
    with pytest.raises(DataError, match=sentence):
        gram(U)


def test_gram_of_blocks_of_two_widths_is_one_sentence():
    with pytest.raises(DataError, match="rows of 2 numbers each, and a part of it is .3, 4."):
        gram([torch.ones(3, 2), torch.ones(3, 4)])


def points_of(found) -> torch.Tensor:
    return torch.cat([found.latents, found.tokens])


def test_map_keeps_distances_that_can_be_kept():
    """Two latents and two tokens, all 2 apart, are a tetrahedron: exact in 3 dimensions, not 2."""
    log_probs = torch.full((2, 2), -2.0)
    solid, flat = latent_mds(log_probs, n_dims=3), latent_mds(log_probs)
    torch.testing.assert_close(
        torch.cdist(points_of(solid), points_of(solid)), 2 * (1 - torch.eye(4)), atol=1e-5, rtol=0
    )
    assert solid.stress < 1e-6 and flat.stress > 0.2 and flat.latents.shape == (2, 2)
    assert flat.shuffled_stress == flat.stress  # equal numbers have no order
    torch.testing.assert_close(points_of(solid).mean(0), torch.zeros(3), atol=1e-6, rtol=0)


def test_map_puts_latents_beside_the_tokens_they_predict():
    """Two groups of latents, each certain of its own tokens, end on opposite sides of axis 1."""
    torch.manual_seed(0)
    probs = torch.full((8, 6), 0.002) * torch.rand(8, 6).add(0.5)
    probs[:4, :3], probs[4:, 3:] = 0.3, 0.3
    found = latent_mds(probs.log())
    side = found.latents[0, 0].sign()
    assert (found.latents[:4, 0] * side > 0).all() and (found.tokens[:3, 0] * side > 0).all()
    assert (found.latents[4:, 0] * side < 0).all() and (found.tokens[3:, 0] * side < 0).all()
    across = torch.cdist(found.latents, found.tokens)
    assert across[:4, :3].max() < across[:4, 3:].min()


def test_map_agrees_with_the_eigenvectors_of_numpy():
    """Classical scaling by definition: B = −½ J D² J, with the centring matrix J written out."""
    torch.manual_seed(3)
    log_probs = torch.log_softmax(3 * torch.randn(7, 9), -1)
    found = latent_mds(log_probs)
    D = torch.full((16, 16), (-log_probs).max().item(), dtype=torch.double)
    D[:7, 7:], D[7:, :7] = -log_probs.double(), -log_probs.double().T
    D.fill_diagonal_(0)
    J = torch.eye(16, dtype=torch.double) - 1 / 16
    values, vectors = np.linalg.eigh((-0.5 * J @ D**2 @ J).numpy())
    gram_matrix = (
        vectors[:, -2:] * values[-2:] @ vectors[:, -2:].T
    )  # the same for any signs of the axes
    ours = points_of(found).double()
    np.testing.assert_allclose((ours @ ours.T).numpy(), gram_matrix, atol=1e-4)
    d_hat = torch.cdist(ours, ours)
    assert found.stress == pytest.approx(
        math.sqrt(((D - d_hat) ** 2).sum() / (D**2).sum()), abs=1e-5
    )
    order = torch.randperm(63, generator=torch.Generator().manual_seed(0))
    shuffled = latent_mds(log_probs.flatten()[order].reshape(7, 9))
    assert found.shuffled_stress == pytest.approx(shuffled.stress, abs=1e-6)


def test_a_gain_makes_the_rotation_of_tied_embeddings_a_test():
    """Without the gain the best rotation of a matrix to itself is the identity."""
    torch.manual_seed(0)
    E = torch.randn(400, 12) @ torch.randn(12, 12)
    gain = torch.rand(12) + 0.1
    torch.testing.assert_close(procrustes(E, E), torch.eye(12), atol=1e-4, rtol=0)
    assert (procrustes(E, E * gain) - torch.eye(12)).norm() > 0.1


def test_procrustes_finds_a_planted_rotation():
    torch.manual_seed(0)
    E = torch.randn(400, 12)
    R, _ = torch.linalg.qr(torch.randn(12, 12))
    found = procrustes(E, E @ R + 0.01 * torch.randn(400, 12))
    torch.testing.assert_close(found, R, atol=0.01, rtol=0)
    torch.testing.assert_close(found @ found.T, torch.eye(12), atol=1e-5, rtol=0)


def test_procrustes_agrees_with_scipy():
    torch.manual_seed(1)
    E, U = torch.randn(60, 8), torch.randn(60, 8)
    expected, _ = scipy.linalg.orthogonal_procrustes(E.double().numpy(), U.double().numpy())
    np.testing.assert_allclose(procrustes(E, U).numpy(), expected, atol=1e-5)


def test_a_pure_rotation_keeps_every_token_and_makes_no_detour():
    """After the rotation each word's own token is on top, and its counterpart is anywhere."""
    torch.manual_seed(2)
    E = torch.randn(1000, 64)
    R, _ = torch.linalg.qr(torch.randn(64, 64))
    U = E @ R
    own, counterpart = list(range(50)), list(range(500, 550))
    rotated = E[own] @ procrustes(E, U)
    assert (token_ranks(rotated, U, own) == 1).all()
    assert 300 < token_ranks(rotated, U, counterpart).float().median() < 700
    assert token_ranks(E[own], U, own).float().median() > 100  # without the rotation nothing fits


def test_ranks_by_hand():
    U = torch.tensor([[1.0, 0], [0, 1], [2, 0], [0.5, 0.5]])
    assert token_ranks(torch.tensor([[1.0, 0], [0, 1]]), U, [0, 3]).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sphere_axes(torch.zeros(3, 4), torch.zeros(2, 4)), "one shape"),
        (lambda: sphere_axes(torch.zeros(4), torch.zeros(4)), "one shape"),
        (
            lambda: token_ranks(torch.full((1, 4), torch.nan), torch.zeros(9, 4), [1]),
            "not finite",
        ),
        (lambda: latent_mds(torch.zeros(3)), "more than 2 points"),
        (lambda: latent_mds(torch.tensor([[-1.0, -torch.inf], [-1, -2]])), "infinitely far away"),
        (lambda: procrustes(torch.zeros(3, 4), torch.zeros(3, 5)), "one shape"),
        (
            lambda: token_ranks(torch.zeros(3, 4), torch.zeros(9, 4), [1]),
            "3 points needs one token id",
        ),
        (
            lambda: sphere_coordinates(
                torch.zeros(3, 4), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))
            ),
            "n_layers",
        ),
        (
            lambda: sphere_coordinates(
                torch.zeros(2, 5, 4), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))
            ),
            "3 concepts",
        ),
        (
            lambda: sphere_coordinates(
                torch.zeros(3, 5, 6), sphere_axes(torch.randn(3, 4), torch.randn(3, 4))
            ),
            "n_layers, 4.*not .3, 5, 6",
        ),
    ],
)
def test_wrong_shapes_are_one_sentence(call, sentence):
    with pytest.raises(DataError, match=sentence):
        call()


def test_folded_unembedding_gives_the_logits(any_model):
    """U·(h/rms) are the logits before scale and cap, up to one vector for all latents.

    A bias and a mean add that vector.
    """
    decoded = ll.decode(
        any_model, ["The flower", "eau"], keep_latents=True, energy=False, progress=False
    )
    h = decoded.latents.reshape(-1, any_model.d_model)
    U = any_model.folded_unembedding()
    kind = any_model.module.config.model_type
    if centred := kind in CENTRED:
        torch.testing.assert_close(U.mean(-1), torch.zeros(len(U)), atol=1e-5, rtol=0)
        h = h - h.mean(-1, keepdim=True)
    mine = (h / h.square().mean(-1, keepdim=True).sqrt()) @ U.T
    expected = oracle.unembed(
        any_model.module, kind, decoded.latents.reshape(-1, any_model.d_model)
    )
    if kind == "gemma2":
        expected = 3 * torch.atanh(expected.double() / 3).float()
    expected = expected * {"granite": 4.0, "cohere": 4.0}.get(kind, 1.0)
    difference = mine - expected
    if centred:
        difference = difference - difference[0]  # the norm's bias, seen through the unembedding
    torch.testing.assert_close(
        difference, torch.zeros_like(difference), atol=5e-3 * expected.abs().max().item(), rtol=0
    )


def test_folded_rows_are_weight_times_gain(any_model):
    """The gain that is measured is the one in the weights (1 + w for Gemma, none for OLMo)."""
    kind, folded = any_model.module.config.model_type, any_model.folded_unembedding()
    weight = any_model.lm_head.weight.detach()
    gain = getattr(any_model.final_norm, "weight", torch.ones(any_model.d_model))
    expected = weight * (1 + gain if kind.startswith("gemma") else gain)
    if kind in CENTRED:
        expected = expected - expected.mean(-1, keepdim=True)
    torch.testing.assert_close(folded, expected, atol=1e-4, rtol=1e-4)


def test_the_energy_of_random_directions_is_what_many_of_them_have(tiny):
    model = tiny("llama")
    run = ll.decode(model, "The", progress=False)
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(4000, model.d_model, generator=generator)
    U = model.folded_unembedding()
    energies = ll.geometry.token_energy(directions, U)
    assert run.chance["energy"] == pytest.approx(energies.square().mean().sqrt().item(), rel=0.02)
    assert run.chance["entropy"] == pytest.approx(math.log2(len(U)))
