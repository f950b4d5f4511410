"""docs/worked-example.md: its fractions, its prose and its code say the same."""

from __future__ import annotations

import re
from fractions import Fraction as Q
from pathlib import Path

import numpy as np
import pytest

import spillover as sp

PAGE = Path(__file__).parents[2] / "docs" / "worked-example.md"

# Worked out by hand, in the order of the sectors A, F, M (and of the firms 1 to 6).
HORIZONTAL = [Q(1, 5), Q(21, 40), Q(3, 5)]
NET = [Q(1, 8), Q(5, 12), Q(3, 5)]
ALPHA = [
    [Q(1, 8), Q(3, 4), Q(1, 8)],
    [Q(1, 5), Q(1, 2), Q(3, 10)],
    [Q(1, 4), Q(1, 3), Q(5, 12)],
]
SIGMA = [
    [Q(1, 6), Q(1, 3), Q(1, 2)],
    [Q(2, 5), Q(1, 3), Q(4, 15)],
    [Q(1, 9), Q(1, 3), Q(5, 9)],
]
BACKWARD = {
    "base": [Q(15, 32), Q(11, 50), Q(9, 40)],
    "own_sector": [Q(79, 160), Q(193, 400), Q(19, 40)],
    "no_imports": [Q(9, 20), Q(1, 5), Q(79, 280)],
}
FORWARD = {
    "base": [Q(79, 180), Q(21, 100), Q(11, 72)],
    "own_sector": [Q(331, 720), Q(157, 450), Q(35, 72)],
    "no_imports": [Q(61, 150), Q(23, 110), Q(23, 120)],
}
LEFT_OUT = [Q(1, 2), Q(0), Q(5, 24), Q(4, 5), Q(7, 12), None]
WEIGHTS = {
    "backward_weight": [Q(7, 8), Q(1, 2), Q(7, 12)],
    "forward_weight": [Q(5, 6), Q(2, 3), Q(4, 9)],
}
SECTORS = range(3)


@pytest.fixture(scope="module")
def page() -> str:
    if not PAGE.is_file():
        pytest.skip("the documentation is not part of this installation")
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def code(page) -> dict:
    """Run the page's only block of code."""
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 1
    names: dict = {}
    with pytest.warns(sp.SpilloverWarning, match=r"1 of 6 firm-years .*'M 2000' \(1 row\)"):
        exec(compile(blocks[0], PAGE.name, "exec"), names)
    return names


def close(values, fractions) -> None:
    wanted = [np.nan if value is None else float(value) for value in fractions]
    np.testing.assert_allclose(np.asarray(values, dtype=float), wanted, rtol=1e-14, atol=1e-16)


def test_the_fractions_follow_from_each_other():
    """The hand's arithmetic, exactly."""
    for j in SECTORS:
        others = [k for k in SECTORS if k != j]
        assert sum(ALPHA[j][k] * HORIZONTAL[k] for k in others) == BACKWARD["base"][j]
        assert sum(SIGMA[j][m] * NET[m] for m in others) == FORWARD["base"][j]
        assert BACKWARD["base"][j] + ALPHA[j][j] * HORIZONTAL[j] == BACKWARD["own_sector"][j]
        assert FORWARD["base"][j] + SIGMA[j][j] * NET[j] == FORWARD["own_sector"][j]
        assert sum(ALPHA[j]) == sum(SIGMA[j]) == 1
        assert sum(ALPHA[j][k] for k in others) == WEIGHTS["backward_weight"][j]
        assert sum(SIGMA[j][m] for m in others) == WEIGHTS["forward_weight"][j]


def test_shares(code):
    for sectors, shares in ((ALPHA, "supply_shares"), (SIGMA, "input_shares")):
        own = [[Q(0) if j == k else sectors[j][k] for k in SECTORS] for j in SECTORS]
        for j in SECTORS:
            close(getattr(code["own_sector"], shares).iloc[j], sectors[j])
            close(getattr(code["base"], shares).iloc[j], own[j])


def test_presence(code):
    close(code["base"].data["horizontal"], HORIZONTAL)
    cells = code["base"].cells
    close(cells["net_foreign"] / cells["net_total"], NET)
    assert code["base"].data["industry"].tolist() == ["A", "F", "M"]
    assert code["base"].data["firms"].tolist() == [2, 3, 1]


@pytest.mark.parametrize("variant", BACKWARD)
def test_backward_and_forward(code, variant):
    close(code[variant].data["backward"], BACKWARD[variant])
    close(code[variant].data["forward"], FORWARD[variant])
    close(code[variant].data["horizontal"], HORIZONTAL)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(code, name):
    close(code["base"].data[name], WEIGHTS[name])


def test_leave_one_out(code):
    close(code["left_out"]["horizontal"], LEFT_OUT)


def test_the_page_prints_these_fractions(page):
    results = [*HORIZONTAL, *NET, *LEFT_OUT[:5]]
    for variants in (BACKWARD, FORWARD):
        results += [value for values in variants.values() for value in values]
    for value in results:
        assert f"**{value}**" in page, value


def test_every_equation_of_the_page_holds(page):
    """Each chain such as 3/4 · 21/40 + 1/8 · 3/5 = 75/160 = **15/32** is evaluated exactly."""
    number = r"(?:\d+(?:/\d+)?|\([\d +]+\)(?: / \([\d +]+\))?|\([\d +]+\)/\d+)"
    term = rf"{number}(?: · {number})*"
    side = rf"{term}(?: [+/] {term})*"
    prose = page.split("```python")[0].replace("**", "")
    chains = re.findall(rf"(?<![\w/.]){side}(?: = {side})+", prose)
    assert len(chains) >= 40
    for chain in chains:
        values = {value_of(part) for part in chain.split(" = ")}
        assert len(values) == 1, chain


def value_of(side: str) -> Q:
    """Evaluate sums, products and quotients of whole numbers exactly."""
    exact = re.sub(r"\d+", lambda found: f"Q({found[0]})", side.replace("·", "*"))
    return eval(exact, {"__builtins__": {}}, {"Q": Q})
