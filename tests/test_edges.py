"""What a tokenizer puts at the edges of a text: the lens reads the text's own last token."""

from __future__ import annotations

import shutil
import warnings

import oracle
import pytest
import torch
from tokenizers import processors
from transformers import AutoTokenizer

import latentlang as ll

TEXTS = ['Deutsch: "Blume" - 中文: "', "The flower"]


@pytest.fixture
def with_template(tiny, tmp_path):
    """``with_template("llama", "<s> $A </s>")``: a folder whose tokenizer follows a template."""

    def write(name: str, template: str):
        folder = shutil.copytree(tiny.folder(name), tmp_path / name)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        core = tokenizer.backend_tokenizer
        special = [(token, core.token_to_id(token)) for token in ("<s>", "</s>")]
        core.post_processor = processors.TemplateProcessing(single=template, special_tokens=special)
        tokenizer.save_pretrained(folder)
        return folder

    return write


@pytest.mark.parametrize(
    ("template", "front"), [("<s> $A </s>", [1]), ("$A </s>", []), ("<s> <s> $A </s> </s>", [1, 1])]
)
def test_what_stands_behind_a_text_is_taken_away(with_template, template, front):
    model = ll.load_model(with_template("llama", template), dtype="float32")
    run = ll.decode(model, TEXTS, watch=range(300), progress=False)
    for row, text in enumerate(TEXTS):
        ids = front + model.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert model.tokenizer(text)["input_ids"] == ids
        with torch.no_grad():
            own = model.module(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        torch.testing.assert_close(run.watched[row, -1], own[:300], atol=1e-4, rtol=0)


@pytest.mark.parametrize("remote", [False, "local"])
def test_a_gemma_is_read_with_its_beginning_token(with_template, tiny, remote):
    folder = with_template("gemma2", "$A")
    with pytest.warns(UserWarning, match="does not begin a text with '<s>'.*latentlang adds it"):
        model = ll.load_model(folder, dtype="float32", remote=remote)
    whole = tiny("gemma2")
    assert model.tokenizer(TEXTS[0])["input_ids"] == whole.tokenizer(TEXTS[0])["input_ids"]
    entropy = ll.decode(model, TEXTS, progress=False).entropy
    expected = torch.stack([oracle.read(whole, text).entropy()[1:] for text in TEXTS])
    torch.testing.assert_close(entropy, expected, atol=1e-3, rtol=0)


def test_a_model_that_needs_no_beginning_token_gets_none(with_template, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ll.load_model(with_template("llama", "$A"), dtype="float32")
    ids = model.tokenizer(TEXTS[0])["input_ids"]
    assert ids == model.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]


def test_a_mended_tokenizer_stays_mended_when_it_is_saved(with_template, tmp_path):
    """As the folder of stored results keeps it."""
    model = ll.load_model(with_template("llama", "<s> $A </s>"), dtype="float32")
    model.tokenizer.save_pretrained(tmp_path / "again")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again(TEXTS[0])["input_ids"] == model.tokenizer(TEXTS[0])["input_ids"]
