"""Start(w) on hand-worked cases and against brute force over every entry of a vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers.convert_slow_tokenizer import bytes_to_unicode

import latentlang as ll
from latentlang.errors import DataError
from latentlang.prompts.tokens import start_ids_of_all, tokenize_word

LETTERS = "abcdefhklnoruwBéßèœ книгацветойё书水花天太阳αλφ"
WORDS = st.text(LETTERS, min_size=1, max_size=7).filter(lambda w: w.strip() == w and w)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def is_latin(word: str) -> bool:
    return next(c for c in word if c.isalpha()) in "abcdefhklnoruwBéßèœ"


def brute_force_sentencepiece(word: str, entries: dict[str, int]) -> set[int]:
    """Decide for every entry by the definition (paper, App. A.2)."""
    found = set()
    for entry, i in entries.items():
        if entry in ("<unk>", "<s>", "</s>"):
            continue
        if entry.startswith("<0x"):
            if not is_latin(word) and int(entry[3:5], 16) == word.encode()[0]:
                found.add(i)
            continue
        text = entry.replace("▁", " ").removeprefix(" ")
        if text and word.startswith(text):
            found.add(i)
    return found


def brute_force_byte_level(word: str, entries: dict[str, int]) -> set[int]:
    byte_of = {c: b for b, c in bytes_to_unicode().items()}
    found = set()
    for entry, i in entries.items():
        if entry == "<|endoftext|>":
            continue
        spelled = bytes(byte_of[c] for c in entry).removeprefix(b" ")
        whole = {len(word[:n].encode()) for n in range(len(word) + 1)}
        if (
            spelled
            and word.encode().startswith(spelled)
            and (len(spelled) in whole or not is_latin(word))
        ):
            found.add(i)
    return found


def test_the_vocabulary_is_llama_2s(llama2_tokenizer, llama2_entries):
    assert len(llama2_entries) == 32_000 and llama2_entries["书"] == 31900
    # Encodings published with the package.
    for text, ids in {
        "grabbed": [1, 2646, 1327, 287],
        " grabbed": [1, 29871, 2646, 1327, 287],
        "           grabbed": [1, 9651, 2646, 1327, 287],
        "镇": [1, 29871, 30411],
        "🦙": [1, 29871, 243, 162, 169, 156],
        "ax\n####\nboo": [1, 4853, 13, 4136, 13, 833, 29877],
    }.items():
        assert llama2_tokenizer.encode(text) == ids


# Worked by hand: the entries of the vocabulary that begin each word (prefix), spell it (word),
# and that the tokenizer puts first behind a quote, without and with a space (first).
BY_HAND = {
    "书": ({"书", "<0xE4>"}, {"书"}, {"书"}),
    "Buch": ({"B", "Bu", "▁B", "▁Bu", "▁Buc", "▁Buch"}, {"▁Buch"}, {"B", "▁Buch"}),
    "fleur": ({"f", "fl", "▁f", "▁fl", "▁fle"}, set(), {"f", "▁fle"}),
    "книга": ({"к", "▁к", "▁кни", "<0xD0>"}, set(), {"к", "▁кни"}),
    "eau": ({"e", "ea", "eau", "▁e"}, {"eau"}, {"eau", "▁e"}),
}


@pytest.mark.parametrize("word", BY_HAND)
def test_start_of_five_words_by_hand(word, llama2_tokenizer, llama2_entries):
    for mode, entries in zip(("prefix", "word", "first"), BY_HAND[word]):
        assert ll.start_ids(word, llama2_tokenizer, mode) == {llama2_entries[e] for e in entries}, (
            mode
        )
    assert ll.start_ids(word, llama2_tokenizer, None) == ll.start_ids(
        word, llama2_tokenizer, "prefix"
    )  # a small vocabulary


def test_the_bare_space_begins_no_word(llama2_tokenizer, llama2_entries):
    spaces = {i for e, i in llama2_entries.items() if not e.strip("▁")}
    assert spaces and not spaces & ll.start_ids("eau", llama2_tokenizer)


@QUICK
@given(word=WORDS)
def test_prefix_mode_equals_brute_force(word, llama2_tokenizer, llama2_entries):
    assert ll.start_ids(word, llama2_tokenizer) == brute_force_sentencepiece(word, llama2_entries)


@QUICK
@given(word=WORDS)
def test_prefix_mode_equals_brute_force_in_byte_level_bpe(word, byte_level_tokenizer):
    assert ll.start_ids(word, byte_level_tokenizer) == brute_force_byte_level(
        word, byte_level_tokenizer.get_vocab()
    )


@QUICK
@given(word=WORDS)
def test_every_token_decodes_to_a_beginning_of_the_word(
    word, llama2_tokenizer, byte_level_tokenizer
):
    for tokenizer in (llama2_tokenizer, byte_level_tokenizer):
        for i in ll.start_ids(word, tokenizer):
            text = tokenizer.decode([i]).strip()
            assert word.startswith(text.rstrip("�")) and text, (word, text)


@QUICK
@given(word=WORDS)
def test_modes_nest(word, llama2_tokenizer, byte_level_tokenizer):
    for tokenizer in (llama2_tokenizer, byte_level_tokenizer):
        assert ll.start_ids(word, tokenizer, "word") <= ll.start_ids(word, tokenizer, "prefix")
        if word.isascii():
            assert ll.start_ids(word, tokenizer, "first") <= ll.start_ids(word, tokenizer, "prefix")


def test_a_large_vocabulary_takes_words_first(tokenizer):
    """Gemma has an entry for 'flower', with and without a space, and none for 'kartoffelsuppe'."""
    flower = {tokenizer.convert_tokens_to_ids(t) for t in ("flower", "▁flower")}
    assert (
        ll.start_ids("flower", tokenizer, None)
        == flower
        == ll.start_ids("flower", tokenizer, "word")
    )
    long = ll.start_ids("kartoffelsuppe", tokenizer, None)
    assert not ll.start_ids("kartoffelsuppe", tokenizer, "word")
    ids = [
        tokenizer.encode('"' + space + "kartoffelsuppe", add_special_tokens=False)[1]
        for space in ("", " ")
    ]
    assert long == set(ids)


def test_spelling_is_what_follows_the_opening_quote(llama2_tokenizer, llama2_entries, tokenizer):
    assert tokenize_word("fleur", llama2_tokenizer) == [llama2_entries["f"], llama2_entries["leur"]]
    assert tokenize_word("书", llama2_tokenizer) == [llama2_entries["书"]]
    assert tokenizer.decode(tokenize_word("flower", tokenizer)) == "flower"


@QUICK
@given(word=WORDS)
def test_spelling_reads_back_as_the_word(word, llama2_tokenizer, byte_level_tokenizer):
    for tokenizer in (llama2_tokenizer, byte_level_tokenizer):
        assert tokenizer.decode(tokenize_word(word, tokenizer)).strip() == word


def test_several_spellings_are_joined(llama2_tokenizer, llama2_entries):
    ids = start_ids_of_all(("eau", "书"), llama2_tokenizer, "word")
    assert ids == {llama2_entries["eau"], llama2_entries["书"]}
    assert start_ids_of_all((), llama2_tokenizer, "prefix") == frozenset()


@pytest.mark.parametrize("word", ["", "  ", "\n"])
def test_an_empty_word_is_refused(word, llama2_tokenizer):
    with pytest.raises(DataError, match="give start_ids a word"):
        ll.start_ids(word, llama2_tokenizer)


def test_an_unknown_mode_is_refused(llama2_tokenizer):
    with pytest.raises(DataError, match="Unknown mode 'suffix': use one of prefix, word, first"):
        ll.start_ids("eau", llama2_tokenizer, "suffix")


def test_most_concepts_survive_llama_2s_vocabulary(llama2_tokenizer):
    """A pair is usable in prefix mode, and what is lost is lost for the paper's two reasons."""
    for target, at_least in {"zh": 470, "de": 400, "fr": 250, "ru": 450}.items():
        prompts = ll.build_prompts(
            "repetition", target=target, tokenizer=llama2_tokenizer, mode="prefix"
        )
        print(
            f"\nLlama-2, prefix mode: {len(prompts)} {target} concepts, "
            f"{len(prompts.dropped)} dropped"
        )
        assert len(prompts) >= at_least
        for p in prompts:
            assert p.token_ids[target] and not p.token_ids[target] & p.token_ids["en"]
        lost = ll.load_words().loc[prompts.dropped["concept"]]
        for english, words in zip(lost["en"], lost[target]):
            assert any(e.lower() in w.lower() or e[0] == w[0] for e in english for w in words), (
                english,
                words,
            )


def test_as_many_words_as_the_paper_has_are_one_token_in_llama_2(llama2_tokenizer):
    """The paper has 139 Chinese words of one token.

    Its filters against English leave 104 for German, 57 for French and 115 for Russian.
    """
    words = ll.load_words()
    single = {
        c
        for c in words.index
        if words.at[c, "zh"] and ll.start_ids(words.at[c, "zh"][0], llama2_tokenizer, "word")
    }
    counts = {"zh": len(single)}
    for code in ("de", "fr", "ru"):
        kept = ll.build_prompts(
            "repetition", target=code, tokenizer=llama2_tokenizer, mode="prefix"
        )
        counts[code] = len(single & {p.concept for p in kept})
    print(
        "\nConcepts whose Chinese word is one token of Llama-2, "
        f"and those left by the filters: {counts}"
    )
    assert (
        counts["zh"] >= 139 and counts["de"] >= 104 and counts["fr"] >= 57 and counts["ru"] >= 115
    )
