"""What ``decode`` does with batches, failures and bad requests."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import torch
from tokenizers import normalizers
from transformers import AutoTokenizer

import latentlang as ll
from latentlang.errors import DataError, TraceError

TEXTS = [
    "The flower",
    'Deutsch: "Blume" - 中文: "',
    "Das Buch liegt auf dem Tisch",
    "eau",
    "La fleur est dans",
    "книга",
    "花在水里，书",
]
TARGETS = [{"en": [i, 40], "zh": [60 + i]} for i in range(len(TEXTS))]


def assert_equal_readings(one, other) -> None:
    assert list(one.prompts["text"]) == list(other.prompts["text"])
    curves = {(name, code): values for name, code, values in other.curves()}
    assert len(curves) == len(one.curves())
    for name, code, values in one.curves():
        torch.testing.assert_close(values, curves[name, code], atol=1e-4, rtol=1e-4)


@pytest.fixture
def llama(tiny):
    return tiny("llama")


@pytest.fixture
def failing(llama):
    """``failing(hook)``: run ``hook(batch size)`` before the first block's forward pass.

    The hook is removed after the test.
    """
    handles = []

    def plant(hook):
        def before(_, args, kwargs):
            return hook(len(args[0] if args else kwargs["hidden_states"]))

        handles.append(llama.blocks[0].register_forward_pre_hook(before, with_kwargs=True))

    yield plant
    for handle in handles:
        handle.remove()


def test_batch_size_changes_no_number_and_no_order(random_model):
    whole = ll.decode(random_model, TEXTS, TARGETS, progress=False)
    assert list(whole.prompts["text"]) == TEXTS
    for size in (1, 3):
        assert_equal_readings(
            ll.decode(random_model, TEXTS, TARGETS, batch_size=size, progress=False), whole
        )


def test_out_of_memory_halves_the_batch(llama, failing):
    expected = ll.decode(llama, TEXTS, TARGETS, progress=False)
    sizes = []

    def run_out(size: int) -> None:
        sizes.append(size)
        if size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    failing(run_out)
    assert_equal_readings(ll.decode(llama, TEXTS, TARGETS, batch_size=7, progress=False), expected)
    assert sizes[0] == 7 and sum(size for size in sizes if size <= 2) == len(TEXTS)


def test_out_of_memory_for_a_single_prompt_is_one_sentence(llama, failing):
    def run_out(_: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    failing(run_out)
    with pytest.raises(TraceError, match="One prompt alone does not fit"):
        ll.decode(llama, TEXTS, TARGETS, progress=False)


def test_out_of_memory_in_a_shared_beginning_reads_whole_prompts(tiny):
    """The numbers are those of prompts that are read alone."""
    model = tiny.fresh("llama")
    texts = [f"The flower in the water is a lily, and the lily is {end}" for end in ("a", "white")]
    expected = ll.decode(model, texts, TARGETS[:2], progress=False)
    beginnings = []

    def run_out(module, args, kwargs) -> None:
        if kwargs.get("use_cache") and kwargs.get("past_key_values") is None:
            beginnings.append(kwargs["input_ids"].shape)
            raise torch.OutOfMemoryError("CUDA out of memory")

    handle = model.module.register_forward_pre_hook(run_out, with_kwargs=True)
    assert_equal_readings(ll.decode(model, texts, TARGETS[:2], progress=False), expected)
    handle.remove()
    assert beginnings


@pytest.mark.parametrize("failures", [1, 3])
def test_out_of_memory_in_the_energys_matrix_takes_smaller_blocks(tiny, failures):
    model = tiny.fresh("llama")
    expected = ll.decode(tiny("llama"), TEXTS, progress=False).energy
    left = count(failures, -1)

    def run_out(*_) -> None:
        if next(left) > 0:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.final_norm.register_forward_pre_hook(run_out)
    torch.testing.assert_close(ll.decode(model, TEXTS, progress=False).energy, expected)


def test_out_of_memory_in_the_energys_matrix_ends_in_one_sentence(tiny):
    model = tiny.fresh("llama")

    def run_out(*_) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    handle = model.final_norm.register_forward_pre_hook(run_out)
    with pytest.raises(TraceError, match="token energy, which energy=False leaves out, does not"):
        ll.decode(model, TEXTS, progress=False)
    with pytest.raises(TraceError, match="One prompt alone does not fit"):
        ll.decode(model, TEXTS, energy=False, progress=False)
    handle.remove()


def test_a_forward_beside_a_decode_in_another_thread(llama):
    """Both give what they give alone."""
    ids = torch.tensor([[5, 6, 7, 8]])
    logits, whole = llama.forward(input_ids=ids).logits, ll.decode(llama, TEXTS, progress=False)
    stop = threading.Event()

    def forwards() -> int:
        done = 0
        while not stop.is_set():
            torch.testing.assert_close(llama.forward(input_ids=ids).logits, logits)
            done += 1
        return done

    with ThreadPoolExecutor(1) as other:
        running = other.submit(forwards)
        for _ in range(20):
            assert_equal_readings(ll.decode(llama, TEXTS, progress=False), whole)
        stop.set()
        assert running.result() > 3


def test_prompts_of_another_tokenizer_are_refused(tiny, llama):
    """The other vocabulary is smaller, so that all its ids are in this one."""
    words = ll.load_words().iloc[:12]
    foreign = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=tiny("gpt2").tokenizer, words=words
    )
    assert max(max(ids) for p in foreign for ids in p.token_ids.values()) < llama.vocab_size
    for prompts in (foreign, foreign[0], list(foreign)):
        with pytest.raises(TraceError, match=r"built with the tokenizer of another model"):
            ll.decode(llama, prompts, progress=False)


@pytest.mark.parametrize("mode", [None, "prefix", "first"])
@pytest.mark.parametrize("control", [None, "random", "de"])
def test_own_prompts_of_every_kind_are_taken(tiny, mode, control):
    model, words = tiny("gpt2"), ll.load_words().iloc[:40]
    prompts = ll.build_prompts(
        "translation",
        "fr",
        "zh",
        tokenizer=model.tokenizer,
        words=words,
        mode=mode,
        control=control,
    )
    assert len(ll.decode(model, prompts[:2], progress=False)) == 2


def test_an_interrupt_keeps_the_finished_batches(llama, failing):
    whole = ll.decode(llama, TEXTS, TARGETS, progress=False)
    calls = count(1)

    def stop_at_the_third(_: int) -> None:
        if next(calls) == 3:
            raise KeyboardInterrupt

    failing(stop_at_the_third)
    with pytest.warns(UserWarning, match="Stopped after 4 of 7 prompts"):
        part = ll.decode(llama, TEXTS, TARGETS, batch_size=2, progress=False)
    assert len(part) == 4
    assert_equal_readings(part, whole[[TEXTS.index(text) for text in part.prompts["text"]]])


def test_an_interrupt_before_the_first_batch_is_an_interrupt(llama, failing):
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    failing(stop)
    with pytest.raises(KeyboardInterrupt):
        ll.decode(llama, TEXTS, progress=False)


def test_only_languages_that_all_prompts_have_are_followed(llama):
    decoded = ll.decode(
        llama,
        TEXTS[:2],
        [{"en": [1], "fr": [3], "zh": [2]}, {"en": [1], "zh": [2], "de": [3]}],
        progress=False,
    )
    assert decoded.languages == ("en", "zh")


def test_a_prompt_set_carries_its_own_targets(llama):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=llama.tokenizer)[:3]
    by_set = ll.decode(llama, prompts, progress=False)
    by_hand = ll.decode(
        llama, [p.text for p in prompts], [p.token_ids for p in prompts], progress=False
    )
    assert_equal_readings(by_set, by_hand)
    assert list(by_set.prompts["concept"]) == [p.concept for p in prompts]


def test_set_probability_adds_and_rank_is_the_best_tokens(llama):
    ids = [11, 90, 200]
    one_by_one = ll.decode(llama, [TEXTS[0]], [{str(i): [i] for i in ids}], progress=False)
    together = ll.decode(llama, [TEXTS[0]], [{"en": ids}], progress=False)
    torch.testing.assert_close(
        together.probability["en"], sum(one_by_one.probability.values()), atol=1e-6, rtol=1e-5
    )
    assert torch.equal(together.rank["en"], torch.stack(list(one_by_one.rank.values())).amin(0))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prompts": []}, "at least one prompt"),
        ({"prompts": [""]}, "none of them empty"),
        ({"prompts": [3]}, "prompts of ll.build_prompts, or texts"),
        ({"prompts": ["a", "b"], "targets": [{"en": [1]}]}, "targets for each"),
        (
            {"prompts": ["a"], "targets": [{"en": [10**6]}]},
            "Token id 1000000 is not in .*vocabulary of 518",
        ),
        ({"prompts": ["a"], "targets": [{"en": [-1]}]}, "Token id -1 is not in"),
        ({"prompts": ["a"], "watch": [518]}, "Token id 518 is not in"),
        ({"prompts": ["a"], "positions": "first"}, "Unknown positions 'first'"),
        ({"prompts": ["a"], "positions": 0}, "Unknown positions '0'"),
        ({"prompts": ["a", "b"], "positions": "all"}, "one prompt at a time, not of 2"),
        ({"prompts": ["a"], "top_k": 600}, "top_k"),
        ({"prompts": ["a"], "top_k": 0}, "top_k"),
        ({"prompts": ["a"], "batch_size": 0}, "batch_size"),
    ],
)
def test_a_bad_request_is_one_sentence(llama, arguments, sentence):
    with pytest.raises(TraceError, match=sentence):
        ll.decode(llama, progress=False, **arguments)


def test_targets_beside_a_prompt_set_are_refused(llama):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=llama.tokenizer)[:2]
    with pytest.raises(TraceError, match="leave targets out"):
        ll.decode(llama, prompts, [{"en": [1]}] * 2)
    with pytest.raises(TraceError, match="at least one prompt"):
        ll.decode(llama, prompts[:0])


def test_a_closed_model_says_so(tiny):
    closed = tiny.fresh("llama")
    closed.close()
    assert closed.module is None
    with pytest.raises(TraceError, match=r"closed.*load_model"):
        ll.decode(closed, ["a"])


def test_progress_is_told_to_a_function_which_may_stop_the_work(tiny):
    model, told = tiny("llama"), []
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:6]
    ll.decode(model, prompts, batch_size=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 6), (4, 6), (6, 6)]

    def stop(done: int, _: int) -> None:
        if done == 4:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ll.decode(model, prompts, batch_size=2, progress=stop)
    assert len(ll.decode(model, prompts, progress=False)) == 6  # the lock is free again


def test_layers_can_be_chosen(tiny):
    model = tiny("llama")
    run = ll.decode(
        model,
        ["The flower", "A tree"],
        [{"en": [3], "zh": [4]}] * 2,
        keep_latents=True,
        watch=[5],
        progress=False,
    )
    part = run.between(2, 3)
    assert (
        part.layers == (2, 3)
        and torch.equal(part.latents, run.latents[:, 1:3])
        and torch.equal(part.rank["zh"], run.rank["zh"][:, 1:3])
    )
    one = ll.decode(model, ["The flower"], positions="all", progress=False)
    assert torch.equal(one.between(4, 9).top_ids, one.top_ids[:, :, 3:]) and one.between(
        4, 9
    ).layers == (4,)
    with pytest.raises(DataError, match="no layer from 7 to 9"):
        run.between(7, 9)


def test_a_text_without_tokens_is_one_sentence(tiny, tmp_path):
    """As for a tokenizer that takes some characters away."""
    folder = shutil.copytree(tiny.folder("gpt2"), tmp_path / "gpt2")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\u200b", "")
    tokenizer.save_pretrained(folder)
    model = ll.load_model(folder, dtype="float32")
    with pytest.raises(TraceError, match=r"has no token for the text '\\u200b': leave it out"):
        ll.decode(model, ["The flower", "\u200b"], progress=False)
