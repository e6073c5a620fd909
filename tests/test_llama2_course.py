"""Notebooks 1 to 4 as with the paper's model: Llama-2's own vocabulary, in 8-bit.

The weights are random and few; the course does not run otherwise than with real ones.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from tiny import randomise
from transformers import LlamaConfig, LlamaForCausalLM

from tools import store
from tools.scripts import Script, scripts

pytestmark = [pytest.mark.more, pytest.mark.timeout(1500)]

COURSE = [script for script in scripts() if script.number in ("01", "02", "03", "04")]


@pytest.fixture(scope="module")
def llama2(llama2_tokenizer, tmp_path_factory) -> Path:
    """A folder with a small random Llama whose tokenizer is Llama-2's."""
    folder = tmp_path_factory.mktemp("llama-2")
    torch.manual_seed(2)
    shape = {"hidden_size": 64, "intermediate_size": 128}
    shape |= {"num_hidden_layers": 6, "num_attention_heads": 4}
    module = LlamaForCausalLM(LlamaConfig(vocab_size=32_000, **shape))
    randomise(module)
    module.save_pretrained(folder)
    llama2_tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("script", COURSE, ids=lambda script: script.name)
def test_the_course_runs_with_llama2s_vocabulary_in_8_bit(
    script: Script, llama2, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    notebook = nbformat.read(store.blank(script, "student"), as_version=4)
    (parameters,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    loaded = f'model = ll.load_model("{llama2}", quantization="8bit", device="cpu")'
    code = re.sub(r"^model = None.*$", loaded, parameters.source, flags=re.MULTILINE)
    parameters.source = re.sub(r"^every = \d+.*$", "every = 40", code, flags=re.MULTILINE)
    assert loaded in parameters.source
    assert "every = 40" in parameters.source or script.number == "01"
    # `print` says what the model is, whatever the notebook shows of it.
    notebook.cells.append(nbformat.v4.new_code_cell("print(model)"))
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    said = notebook.cells[-1].outputs[0].text
    assert "32,000 tokens" in said and "8bit on cpu" in said and "6 layers" in said
    figures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert len(figures) >= 2
