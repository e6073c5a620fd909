"""The rules of style: each finds what it should, in every kind of text, and no text breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_style
from tools.check_style import GUIDES, ROOT, Text, check, faults, rules, sentences, texts

HITS = [(rule, text) for rule in rules() for text in rule.hits]
MISSES = [(rule, text) for rule in rules() for text in rule.misses]


def name_of(value: object) -> str:
    return getattr(value, "name", value)


@pytest.mark.parametrize("rule, text", HITS, ids=name_of)
def test_a_rule_finds_its_examples(rule, text):
    assert rule.pattern.search(text)
    assert any(f": {rule.name}: " in fault for fault in faults(Text("message", ROOT, 1, text)))


@pytest.mark.parametrize("rule, text", MISSES, ids=name_of)
def test_a_rule_passes_good_english(rule, text):
    assert not rule.pattern.search(text)


def test_the_repository_keeps_the_rules():
    assert check(texts(ROOT)) == []


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository whose guides and folders are there, and whose texts are fine."""
    for name in (*GUIDES, "course/01_a.py", "latentlang/room/a.py", "tools/a.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if path.suffix == ".py" else "One row per prompt.\n")
    return tmp_path


BAD = "It keeps one row a prompt."
CELL = f"# %% [markdown]\n# Good.\n# {BAD}\n\n# %%\nx = 1\n"
PLACES = [
    *((name, f"Good.\n\n{BAD}\n", 3) for name in GUIDES),
    ("README.md", f"| a | b |\n|---|---|\n| c | {BAD} |\n", 3),
    ("README.md", f"- A list.\n- {BAD}\n", 2),
    ("README.md", "It keeps one row\na prompt, no more.\n", 1),
    ("course/01_a.py", CELL, 3),
    ("course/01_a.py", f'# %%\nprint("{BAD}")\n', 2),
    ("course/01_a.py", f"# %%\n# {BAD}\nx = 1\n", 2),
    ("course/01_a.py", f"# ---\n# course:\n#   you_will: {BAD}\n# ---\n", 3),
    ("latentlang/room/a.py", f'"""{BAD}"""\n', 1),
    ("latentlang/room/a.py", f'class A:\n    """Good.\n\n    {BAD}\n    """\n', 4),
    ("latentlang/room/a.py", f'def f():\n    """{BAD}"""\n', 2),
    ("latentlang/room/a.py", f"x = 1  # {BAD}\n", 1),
    ("latentlang/room/a.py", "# It keeps one row\n# a prompt.\n", 1),
    ("latentlang/room/a.py", f'raise ValueError("{BAD}")\n', 1),
    ("latentlang/room/a.py", 'raise ValueError(f"{x} keeps one row " "a prompt.")\n', 1),
    ("latentlang/room/a.py", f'warnings.warn("{BAD}", stacklevel=2)\n', 1),
    ("latentlang/room/a.py", f'Outcome("no", hint="{BAD}")\n', 1),
    ("tools/a.py", f'raise SystemExit(f"{{path}}: {BAD}")\n', 1),
    ("tools/a.py", f'parser.add_argument("--all", help="{BAD}")\n', 1),
]


@pytest.mark.parametrize("name, source, line", PLACES)
def test_every_kind_of_text_is_read(name, source, line, repository):
    assert check(texts(repository)) == []
    (repository / name).write_text(source)
    found = [fault for fault in check(texts(repository)) if "a for per" in fault]
    assert len(found) == 1 and found[0].startswith(f"{repository / name}:{line}: a for per: ")


CODE = [
    "```\none row a prompt\n```\n",
    "Write `one row a prompt` here.\n",
    "See [this](https://example.org/one%20row%20a%20prompt).\n",
]


@pytest.mark.parametrize("source", CODE)
def test_code_and_addresses_are_not_prose(source):
    assert check([Text("guide", ROOT, 1, source)]) == []


PARAGRAPHS = [
    "One. Two.",
    "This sentence goes on\nin the next line.",
    "One.\nTwo! Three.",
    "**Why?** One. Two.",
    "(It rains.) So what?",
    "It has 3 layers. 4 are drawn.",
]


@pytest.mark.parametrize("kind", ["guide", "cell"])
@pytest.mark.parametrize("source", PARAGRAPHS)
def test_a_paragraph_has_one_sentence_per_line(kind, source):
    assert "one sentence per line" in check([Text(kind, ROOT, 1, source)])[0]
    split = "\n".join(sentences(" ".join(source.split("\n"))))
    assert check([Text(kind, ROOT, 1, split)]) == []


WHOLE = [
    "See Eq. 2 and Fig. 3, e.g. Section 4, as Sun et al. Have shown.",
    "**Token.** A piece of text.",
    "**Latent** (hidden state). The value after a layer.",
    "*Do Llamas Work in English?* (Wendler and others, 2024) asked it.",
    "It takes `a. B` as one, and [`x. Y`](z) stays whole.",
    "# A heading. Of two sentences",
    "| A table. With | two. Cells |",
    "- An item. It may hold two.",
    "1. An item. It may hold two.",
    "```\nA. B. C.\n```",
]


@pytest.mark.parametrize("source", WHOLE)
def test_one_sentence_is_not_split_and_lists_may_hold_several(source):
    assert check([Text("guide", ROOT, 1, source)]) == []


def test_the_command_prints_faults_and_fails(repository, monkeypatch, capsys):
    monkeypatch.setattr(check_style, "ROOT", repository)
    assert check_style.main() == 0
    (repository / "README.md").write_text(f"{BAD}\n")
    assert check_style.main() == 1
    assert capsys.readouterr().out.startswith("README.md:1: a for per: one row a prompt -> write")
