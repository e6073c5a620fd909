"""The model and the prompts of the benchmarks, and the table of ratios at their end."""

from __future__ import annotations

import pytest

import latentlang as ll

N_PROMPTS, N_BATCH, N_FEW = 118, 29, 12
TABLE: list[tuple[str, float, str, float]] = []


@pytest.fixture(scope="session")
def model():
    loaded = ll.load_model("gemma-3-270m", dtype="float32")
    ll.decode(
        loaded, ["warm up"], progress=False
    )  # the Gram matrix is built once, whatever is read
    return loaded


@pytest.fixture(scope="session")
def prompts(model):
    """The prompts of French to Chinese, at the length that the whole list has."""
    return ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:N_PROMPTS]


@pytest.fixture(scope="session")
def shared(model):
    """As many prompts, which all begin with the same demonstrations."""
    return ll.build_prompts(
        "translation", "fr", "zh", tokenizer=model.tokenizer, shared_demos=True
    )[:N_PROMPTS]


def limit(what: str, value: float, sign: str, bound: float) -> None:
    """Enter a figure in the table, and fail when it is outside its bound."""
    TABLE.append((what, value, sign, bound))
    assert value <= bound if sign == "<=" else value >= bound, (
        f"{what}: {value:.3g}, expected {sign} {bound:g}"
    )


def pytest_terminal_summary(terminalreporter):
    if TABLE:
        terminalreporter.section("limits")
    for what, value, sign, bound in TABLE:
        held = value <= bound if sign == "<=" else value >= bound
        terminalreporter.write_line(
            f"{what:72} {value:8.2f}  {sign} {bound:g}  {'' if held else 'MISSED'}"
        )
