"""The tuned lens against hooks, torch's own optimiser and written-out formulas."""

from __future__ import annotations

import oracle
import pytest
import torch
from test_linear_lens import FAULTS, TEXTS, by_hooks

import latentlang as ll
from latentlang.errors import LatentLangError
from latentlang.lens.maps import divergences
from latentlang.lenses import quality, sample, tuned
from latentlang.lenses.descent import Batch, candidate_divergences, descend, maps_of
from latentlang.lenses.sample import Sample
from latentlang.lenses.text import HELD_OUT, FitText
from latentlang.models.view import LogitTransform

ARCHITECTURES = ("llama", "gemma2", "granite", "cohere", "gpt2", "olmo")  # caps, scales, biases


@pytest.fixture(autouse=True)
def few_steps(request, monkeypatch):
    """A short training, which shows on tiny models what a long one does."""
    monkeypatch.setattr(tuned, "STEPS", 60)
    monkeypatch.setattr(tuned, "CHECK", 6 if "more" not in request.keywords else 20)


def output_layer(model) -> tuple:
    return model.final_norm, model.lm_head, model.logit_transform


def whole(model, h: torch.Tensor) -> Batch:
    """Return latents with all tokens of the vocabulary as candidates."""
    return Batch(h, torch.arange(model.vocab_size), torch.ones(model.vocab_size))


def log_probs(model, h: torch.Tensor) -> torch.Tensor:
    kind = model.module.config.model_type
    return oracle.unembed(model.module, kind, h).float().log_softmax(-1)


def kl(model, p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    p, q = log_probs(model, p), log_probs(model, q)
    return (p.exp() * (p - q)).sum(-1)


def some_maps(model, scale: float) -> torch.Tensor:
    """Return maps that are the identity and noise, for all layers but the last."""
    d, generator = model.d_model, torch.Generator().manual_seed(1)
    noise = torch.randn(model.n_layers - 1, d, d + 1, generator=generator)
    return torch.eye(d, d + 1) + scale * noise


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_with_all_tokens_the_loss_is_the_divergence(tiny, architecture):
    model = tiny(architecture)
    h, affine = by_hooks(model, TEXTS[0]), some_maps(model, 0.05)
    batch, parts = whole(model, h), output_layer(model)
    ours = candidate_divergences(affine, batch, *parts)
    last = torch.eye(model.d_model, model.d_model + 1)[None]
    full = divergences(h, [None, maps_of(torch.cat([affine, last]))], *parts)[:, 1, :-1]
    torch.testing.assert_close(ours, full)
    for place, each in enumerate(affine):
        by_hand = kl(model, h[:, -1], h[:, place] @ each[:, :-1].T + each[:, -1])
        torch.testing.assert_close(ours[:, place], by_hand, atol=1e-5, rtol=1e-3)


def test_what_is_mapped_lies_in_the_order_of_memory_that_the_next_product_wants():
    """In the order that einsum leaves, that product takes up to a hundred times as long."""
    orders = []

    class Norm(torch.nn.LayerNorm):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            orders.append(x.is_contiguous())
            return super().forward(x)

    h, affine = torch.randn(5, 4, 8), torch.randn(3, 8, 9)
    assert maps_of(affine)(h[:, :3]).is_contiguous()
    batch, head = Batch(h, torch.arange(6), torch.ones(6)), torch.nn.Linear(8, 6)
    candidate_divergences(affine, batch, Norm(8), head, LogitTransform())
    assert orders[-1]  # the last call; the one before reads the output


def test_maps_that_overflow_have_no_divergence_and_masked_tokens_add_nothing():
    """In half precision 1e5 is infinite, which a divergence of 0 would call perfect."""
    torch.manual_seed(0)
    norm, head = torch.nn.LayerNorm(8).half(), torch.nn.Linear(8, 5).half()
    head.bias.data[2] = -torch.inf  # as models mask entries that are no tokens
    h, affine = torch.randn(3, 3, 8).half(), torch.eye(8, 9).repeat(2, 1, 1)
    affine[1] *= 1e5
    parts = norm, head, LogitTransform()
    batch = Batch(h, torch.arange(5), torch.ones(5))
    ours = candidate_divergences(affine, batch, *parts)
    whole = maps_of(torch.cat([affine, torch.eye(8, 9)[None]]))
    kl = divergences(h, [whole, None], *parts)[:, 0]
    real = [0, 1, 3, 4]
    p, q = (head(norm(h[:, place])).float()[:, real].log_softmax(-1) for place in (-1, 0))
    by_hand = (p.exp() * (p - q)).sum(-1)
    for each in (ours, kl):
        torch.testing.assert_close(each[:, 0], by_hand)
        assert each[:, 1].isnan().all()


def test_maps_that_overflow_are_never_the_best(fitted, monkeypatch):
    model, lens, _ = fitted
    monkeypatch.setattr(tuned, "RATE", 1e38)
    again = ll.lenses.fit_tuned(model, TEXTS, seed=3, progress=False)
    assert (again.quality["step"] == 0).all() and (lens.quality["step"] > 0).any()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_steps_are_those_of_torchs_adam_on_the_written_out_loss(tiny, architecture):
    model = tiny(architecture)
    h = [by_hooks(model, each) for each in TEXTS[:3]]
    start, rates = some_maps(model, 0.05), (0.003, 0.002, 0.001)
    units = torch.rand(start.shape, generator=torch.Generator().manual_seed(2)) + 0.5
    state = torch.stack([start, torch.zeros_like(start), torch.zeros_like(start)])
    batches = [whole(model, each) for each in h]
    parts = output_layer(model)
    for done in (0, 1):  # what a step leaves behind, the next call takes up
        some = slice(done, done + 1 + done)
        state = descend(state, units, batches[some], rates[some], done, *parts)

    weights = (start / units).requires_grad_()
    optimiser = torch.optim.Adam([weights], eps=1e-20)
    for each, rate in zip(h, rates):
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        affine = weights * units
        read = torch.einsum("tld,led->tle", each[:, :-1], affine[..., :-1]) + affine[..., -1]
        kl(model, each[:, -1:], read).sum().backward()
        optimiser.step()
    taken = state[0] - start
    expected = (weights * units).detach() - start
    assert expected.abs().max() > 1e-3
    close = torch.isclose(taken, expected, atol=2e-5, rtol=2e-2)
    assert close.float().mean() > 0.995  # the sign of a gradient that is almost 0 is chance
    assert all(weight.grad is None for weight in model.module.parameters())


def test_a_candidate_that_stands_for_n_tokens_counts_as_n_tokens_of_its_row():
    torch.manual_seed(0)
    few, counts = torch.nn.Linear(8, 5), torch.tensor([1, 1, 3, 2, 4])
    many = torch.nn.Linear(8, int(counts.sum()))
    many.weight.data = few.weight.repeat_interleave(counts, 0)
    many.bias.data = few.bias.repeat_interleave(counts)
    h, affine = torch.randn(6, 3, 8), torch.randn(2, 8, 9)
    norm, transform = torch.nn.LayerNorm(8), LogitTransform(2.0, 3.0)
    ours = candidate_divergences(
        affine, Batch(h, torch.arange(5), counts.float()), norm, few, transform
    )
    everything = Batch(h, torch.arange(len(many.weight)), torch.ones(len(many.weight)))
    torch.testing.assert_close(
        ours, candidate_divergences(affine, everything, norm, many, transform)
    )


def test_a_batch_compares_the_likely_tokens_and_a_sample_of_all_others(monkeypatch):
    monkeypatch.setattr(sample, "CANDIDATES", 80)
    generator = torch.Generator().manual_seed(0)
    latents = torch.arange(10.0)[:, None, None]
    tops = torch.randint(300, (10, 8), generator=generator)
    batches = Sample(latents, tops, 300, generator).batches(4)
    seen, drawn = [], set()
    for _ in range(4):
        batch = next(batches)
        rows = batch.latents[:, 0, 0].long()
        likely = {*tops[rows].flatten().tolist()}
        ids, counts = batch.ids.tolist(), batch.counts
        assert len({*ids}) == len(ids) == 80 and {*ids[: len(likely)]} == likely
        assert counts.sum().item() == pytest.approx(300)
        assert (counts[: len(likely)] == 1).all() and counts[len(likely) :].unique().numel() == 1
        drawn |= {*ids} - likely
        seen.append(rows.tolist())
    assert len({*seen[0], *seen[1]}) == len({*seen[2], *seen[3]}) == 8  # of each pass
    assert len(drawn) > 100  # of each step its own
    checks = Sample(latents, tops, 300, generator).some(100, 4)
    rows = torch.cat([batch.latents[:, 0, 0] for batch in checks])
    assert sorted(rows.tolist()) == list(range(10))


@pytest.fixture(scope="module")
def fitted(tiny):
    """A tiny Llama, its lens, and the latents of the held-out texts, by hooks."""
    model = tiny("llama")
    groups = FitText.of(model, TEXTS, (), 3).groups
    held_out = [by_hooks(model, each) for each, group in zip(TEXTS, groups) if group == HELD_OUT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuned, "STEPS", 60)
        patch.setattr(tuned, "CHECK", 6)
        patch.setattr(quality, "JUDGED", 10_000)  # all held-out tokens
        lens = ll.lenses.fit_tuned(model, TEXTS, seed=3, progress=False)
    return model, lens, torch.cat(held_out)


def test_no_layer_is_farther_from_the_output_than_through_the_linear_lens(fitted):
    model, lens, held_out = fitted
    linear = ll.lenses.fit_linear(model, TEXTS, seed=3, progress=False)
    output, gains = held_out[:, -1], []
    for place, layer in enumerate(lens.layers):
        h = held_out[:, place]
        with torch.no_grad():
            logit = kl(model, output, h).mean().item()
            before = kl(model, output, h @ linear.matrices[place].T).mean().item()
            mapped = h @ lens.matrices[place].T + lens.offsets[place]
            after = kl(model, output, mapped).mean().item()
        row = lens.quality.loc[layer]
        expected = {"logit lens": logit, "linear lens": before, "this lens": after}
        for column, value in expected.items():
            assert row[column] == pytest.approx(value, rel=1e-3), column
        gains.append(1 - after / before)
    assert min(gains) > -1e-6 and sorted(gains)[1] > 0.03
    assert (lens.quality["between halves"] > 0).all()


def test_a_layer_that_only_becomes_worse_keeps_the_linear_map(fitted, monkeypatch):
    model, *_ = fitted
    monkeypatch.setattr(tuned, "RATE", 1e3)
    lens = ll.lenses.fit_tuned(model, TEXTS, seed=3, progress=False)
    linear = ll.lenses.fit_linear(model, TEXTS, seed=3, progress=False)
    assert (lens.quality["step"] == 0).all() and not lens.offsets.any()
    torch.testing.assert_close(lens.matrices, linear.matrices)
    torch.testing.assert_close(
        lens.quality["between halves"].tolist(), linear.quality["between halves"].tolist()
    )


def test_the_seed_draws_everything(fitted):
    model, lens, _ = fitted
    same, other = (ll.lenses.fit_tuned(model, TEXTS, seed=seed, progress=False) for seed in (3, 4))
    assert same.key == lens.key != other.key


def test_a_rehearsal_of_a_server_fits_the_same_lens(fitted, tiny):
    _, lens, _ = fitted
    far = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    again = ll.lenses.fit_tuned(far, TEXTS, seed=3, progress=False)
    torch.testing.assert_close(again.matrices, lens.matrices, atol=1e-4, rtol=1e-3)


def test_progress_counts_texts_then_steps_and_true_prints_the_table(fitted, capsys):
    model, *_ = fitted
    seen = []
    ll.lenses.fit_tuned(model, TEXTS, progress=lambda *done: seen.append(done))
    assert (len(TEXTS), len(TEXTS)) in seen and seen[-1] == (180, 180)
    assert not capsys.readouterr().out
    ll.lenses.fit_tuned(model, TEXTS)
    assert "linear lens" in capsys.readouterr().out


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_one_sentence(tiny, fault):
    options, sentence = FAULTS[fault]
    with pytest.raises(LatentLangError, match=sentence):
        ll.lenses.fit_tuned(tiny("llama"), progress=False, **options)


def test_a_model_that_is_none_is_one_sentence():
    with pytest.raises(LatentLangError, match="load one first"):
        ll.lenses.fit_tuned("gemma-3-270m")


@pytest.mark.more
def test_on_little_text_it_is_closer_to_gemmas_output_than_the_linear_lens(model, monkeypatch):
    monkeypatch.setattr(tuned, "CHECKED", 256)
    sentences = [
        s for code in ("de", "en", "fr", "zh") for s in list(ll.load_cloze(code).values())[:40]
    ]
    texts = [" ".join(sentences[n : n + 4]) for n in range(0, len(sentences), 4)]
    table = ll.lenses.fit_tuned(model, texts, progress=False).quality
    assert (table["this lens"] < table["linear lens"]).iloc[:16].sum() >= 12
    assert (table["this lens"] < table["logit lens"]).all()
