"""``follow=True``: the top tokens of all layers, and how probable each layer finds them."""

from __future__ import annotations

from dataclasses import replace

import oracle
import pytest
import torch
from tiny import TEXTS, targets_for

import latentlang as ll
from latentlang.errors import DataError, TraceError
from latentlang.lens.followed import Followed
from latentlang.lens.readings import READINGS


def tokens_at(followed, *place) -> list[int]:
    """Return the ids at one place without what stands behind them."""
    ids = followed.ids[place].tolist()
    return ids[: ids.index(-1)] if -1 in ids else ids


def assert_follows(followed, place: tuple, log_probs: torch.Tensor, top_k: int) -> None:
    """Compare one place with log-probabilities ``[layers, V]`` that were read by hand."""
    ids = tokens_at(followed, *place)
    assert ids == sorted(set(ids))
    top, top_ids = log_probs.topk(top_k + 1)
    clear = (top[:, top_k - 1] - top[:, top_k]) > 1e-4  # no tie for the last candidate
    assert {int(i) for row in top_ids[clear, :top_k] for i in row} <= set(ids)
    assert len(ids) <= top_k * len(log_probs) and clear.any()
    if clear.all():
        assert set(ids) == {int(i) for row in top_ids[:, :top_k] for i in row}
    values = followed.log_probs[place]
    torch.testing.assert_close(values[:, : len(ids)], log_probs[:, ids], atol=1e-3, rtol=0)
    assert (values[:, len(ids) :] == -torch.inf).all()


@pytest.mark.parametrize("batch_size", [None, 3])
def test_followed_tokens_equal_the_hook_loop(random_model, batch_size):
    run = ll.decode(
        random_model,
        TEXTS,
        top_k=4,
        follow=True,
        batch_size=batch_size,
        include_embedding=True,
        progress=False,
    )
    assert run.followed.ids.dtype == torch.int64 and run.followed.log_probs.dtype == torch.float32
    for row, text in enumerate(TEXTS):
        assert_follows(run.followed, (row,), oracle.read(random_model, text).log_probs, top_k=4)


def test_followed_tokens_equal_the_hook_loop_on_the_demo_model(model):
    prompts = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=model.tokenizer, shared_demos=True
    )[:3]
    run = ll.decode(model, prompts, top_k=10, follow=True, progress=False)
    for row, prompt in enumerate(prompts):
        log_probs = oracle.read(model, prompt.text).log_probs[1:]
        assert_follows(run.followed, (row,), log_probs, top_k=10)


def test_several_positions_are_followed(random_model):
    options = {"top_k": 3, "follow": True, "progress": False}
    everywhere = ll.decode(random_model, TEXTS[1], positions="all", **options)
    three = ll.decode(random_model, TEXTS[1], positions=3, **options)
    for place in (0, 1, -1):
        log_probs = oracle.read(random_model, TEXTS[1], place).log_probs[1:]
        assert_follows(everywhere.followed, (0, place), log_probs, top_k=3)
    for place in (-3, -1):
        assert tokens_at(three.followed, 0, place) == tokens_at(everywhere.followed, 0, place)
    last = three.last_position()
    assert_follows(last.followed, (0,), oracle.read(random_model, TEXTS[1]).log_probs[1:], top_k=3)


def test_following_changes_no_bit_of_the_rest(random_model):
    options = {"targets": targets_for(random_model), "keep_latents": True, "progress": False}
    plain = ll.decode(random_model, TEXTS, **options)
    followed = ll.decode(random_model, TEXTS, **options, follow=True)
    assert plain.followed is None
    for name, tensor in plain.tensors().items():
        assert torch.equal(followed.tensors()[name], tensor), name


@pytest.mark.parametrize("chunk", [1, 1200, 5 * 2**22])
def test_pieces_of_any_size_follow_the_same_tokens(tiny, monkeypatch, chunk):
    """A piece holds all layers of a position even where it would be too large."""
    whole = ll.decode(tiny("llama"), TEXTS, follow=True, progress=False)
    monkeypatch.setattr("latentlang.lens.reduce._CHUNK_LOGITS", chunk)
    parts = ll.decode(tiny("llama"), TEXTS, follow=True, progress=False)
    assert torch.equal(parts.followed.ids, whole.followed.ids)
    ours, theirs = parts.followed.log_probs, whole.followed.log_probs
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_every_top_token_is_followed_with_its_probability(any_model):
    run = ll.decode(any_model, TEXTS, top_k=5, follow=True, progress=False)
    for row in range(len(TEXTS)):
        ids = tokens_at(run.followed, row)
        for layer in range(any_model.n_layers):
            places = [ids.index(token) for token in run.top_ids[row, layer].tolist()]
            values = run.followed.log_probs[row, layer, places].exp()
            torch.testing.assert_close(values, run.top_probs[row, layer], atol=1e-6, rtol=1e-4)


def test_a_vocabulary_that_is_smaller_than_the_union(tiny):
    model = tiny("llama")
    run = ll.decode(model, TEXTS[:2], top_k=model.vocab_size, follow=True, progress=False)
    assert run.followed.ids.tolist() == [list(range(model.vocab_size))] * 2
    total = run.followed.log_probs.exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.fixture(scope="module")
def run(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:6]
    return ll.decode(model, prompts, top_k=4, follow=True, progress=False)


def as_table(run) -> list[list[dict[int, float]]]:
    """Return the log-probability of every followed token by prompt and layer, without padding."""
    table = []
    for row in range(len(run)):
        ids = tokens_at(run.followed, row)
        table.append([dict(zip(ids, layer)) for layer in run.followed.log_probs[row].tolist()])
    return table


def test_followed_tokens_are_cut_and_joined_with_the_run(run):
    whole = as_table(run)
    assert as_table(run[1:3]) == whole[1:3] and as_table(run[[4, 0]]) == [whole[4], whole[0]]
    assert as_table(run.between(2, 3)) == [row[1:3] for row in whole]
    # Each part is as wide as its own tokens, as runs of two decodes are.
    parts = [narrow(run[:1]), narrow(run[1:])]
    assert parts[0].followed.ids.shape != parts[1].followed.ids.shape
    assert as_table(ll.Run.concatenate(parts)) == whole
    assert ll.Run.concatenate([run, replace(run, followed=None)]).followed is None


def narrow(run):
    """Return a run without the columns that are behind all of its tokens."""
    return replace(run, followed=Followed.of(run.top_ids, run.followed.log_probs))


def test_followed_tokens_survive_a_file(run, tmp_path):
    again = ll.Run.load(run.save(tmp_path / "run.safetensors"))
    assert torch.equal(again.followed.ids, run.followed.ids)
    assert torch.equal(again.followed.log_probs, run.followed.log_probs)
    plain = replace(run, followed=None)
    assert ll.Run.load(plain.save(tmp_path / "plain.safetensors")).followed is None


def test_fewer_candidates_have_fewer_tokens(run):
    three = run.followed.among(run.top_ids[..., :2])
    for row, table in enumerate(as_table(run)):
        wanted = sorted(set(run.top_ids[row, :, :2].flatten().tolist()))
        assert tokens_at(three, row) == wanted
        assert three.log_probs[row, :, : len(wanted)].tolist() == [
            [layer[token] for token in wanted] for layer in table
        ]


IDS, LOG_PROBS = torch.tensor([[3, 8, -1]]), torch.zeros(1, 4, 3)


@pytest.mark.parametrize(
    ("ids", "log_probs", "sentence"),
    [
        (IDS.float(), LOG_PROBS, "use int64"),
        (IDS, LOG_PROBS.double(), "float32"),
        (IDS, LOG_PROBS[..., :2], r"the shape \[1, 3\]"),
        (IDS[0], LOG_PROBS, r"the shape \[3\]"),
        (IDS - 5, LOG_PROBS, "ascending order"),
        (IDS.flip(-1), LOG_PROBS, "ascending order"),
        (torch.tensor([[3, 3, -1]]), LOG_PROBS, "ascending order"),
        (torch.tensor([[3, -1, 8]]), LOG_PROBS, "ascending order"),
    ],
)
def test_tensors_of_another_form_are_one_sentence(ids, log_probs, sentence):
    with pytest.raises(DataError, match=sentence):
        Followed(ids, log_probs)


@pytest.mark.parametrize("wrong", [{"rows": 5}, {"layers": 3}])
def test_followed_tokens_of_another_run_are_refused(run, wrong):
    rows, layers = wrong.get("rows", 6), wrong.get("layers", 4)
    other = Followed(run.followed.ids[:rows], run.followed.log_probs[:rows, :layers])
    with pytest.raises(DataError, match="has the shape"):
        replace(run, followed=other)


def test_the_cache_keeps_what_is_followed_apart(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, ask = tiny("llama"), {"source": "fr", "progress": False}
    plain = ll.run_experiment(model, "translation", **ask)
    first = ll.run_experiment(model, "translation", follow=True, **ask)
    assert plain.followed is None and first.followed is not None
    asked = []
    hook = model.module.register_forward_pre_hook(lambda *_: asked.append(1))
    again = ll.run_experiment(model, "translation", follow=True, **ask)
    part = ll.run_experiment(model, "translation", follow=True, every=60, **ask)
    assert ll.run_experiment(model, "translation", **ask).followed is None
    hook.remove()
    assert not asked, "all of it is on disk"
    assert torch.equal(again.followed.log_probs, first.followed.log_probs)
    rows = [concept in set(part.prompts["concept"]) for concept in first.prompts["concept"]]
    assert 0 < len(part) < len(first) and as_table(part) == as_table(first[rows])


def test_a_reading_cannot_take_the_name(tiny, monkeypatch):
    monkeypatch.setitem(READINGS, "followed", READINGS["entropy"])
    with pytest.raises(TraceError, match="name of something else that a run has"):
        ll.decode(tiny("llama"), TEXTS, progress=False)
