"""A model that goes through English: without the English word it has no answer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import latentlang as ll
from latentlang.models.model import Model

CODES = ("de", "en", "zh", "ja", "es", "ru")
_MARKS = ["<unk>", '"', ":", "-"]


def pivot_model(folder: Path, every: int) -> Model:
    """Return a model that translates every n-th concept from German to Chinese through English.

    It has three layers. Attention looks at all tokens alike. Layer 1 writes the English words of
    the German ones that the prompt shows, and the language that it asks for. Layer 2 does nothing,
    and layer 3 turns English words into Chinese ones. Each word has a dimension of its own, so all
    rows of the unembedding are at right angles.
    """
    table = ll.load_words().iloc[::every]
    first = {code: [cell[0] if cell else "" for cell in table[code]] for code in CODES}
    words = {  # a word of one piece that no other concept or language has
        (code, n): word
        for code in CODES
        for n, word in enumerate(first[code])
        if word.isalpha() and sum(each.count(word) for each in first.values()) == 1
    }
    endonyms = ll.languages()["endonym"]
    tokenizer = word_level([*words.values(), *endonyms[list(CODES)]])
    vocabulary = tokenizer.get_vocab()
    place = {key: 1 + n for n, key in enumerate([*words, *CODES])}  # 0 is the same for all tokens
    width = 16 * (1 + len(place) // 16) + 16
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=len(table),
        num_hidden_layers=3,
        num_attention_heads=1,
        num_key_value_heads=1,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        model.model.embed_tokens.weight[:, 0] = 0.1
        for key, word in words.items():
            model.lm_head.weight[vocabulary[word], place[key]] = 2.0
            model.model.embed_tokens.weight[vocabulary[word], place[key]] = 1.0
        for code in CODES:
            model.model.embed_tokens.weight[vocabulary[endonyms[code]], place[code]] = 1.0
        attention, mlp = model.model.layers[0].self_attn, model.model.layers[2].mlp
        for code in CODES:
            attention.v_proj.weight[place[code], place[code]] = 1.0
            attention.o_proj.weight[place[code], place[code]] = 1.0
        for n in range(len(table)):
            if {("de", n), ("en", n), ("zh", n)} <= set(words):
                attention.v_proj.weight[place["de", n], place["de", n]] = 1.0
                attention.o_proj.weight[place["en", n], place["de", n]] = 20.0
                mlp.gate_proj.weight[n, place["en", n]] = 1.0
                mlp.up_proj.weight[n, place["en", n]] = 1.0
                mlp.down_proj.weight[place["zh", n], n] = 5.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ll.load_model(folder, dtype="float32")


def word_level(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer with an entry per word, and one for each mark of a prompt."""
    vocabulary = {word: n for n, word in enumerate(dict.fromkeys([*_MARKS, *words]))}
    core = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = Sequence([Split(Regex('[":]'), "isolated"), WhitespaceSplit()])
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
