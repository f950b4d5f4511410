"""Minimise a truth table: complex, parsimonious and intermediate solutions, all minimal models."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.case.fsqca.boolean import members, prime_implicants, smallest_covers, to_term
from spillover.case.fsqca.expression import membership, term_membership, write_term
from spillover.case.fsqca.fit import sufficiency
from spillover.errors import IdentificationError, SchemaError, check_choice, did_you_mean, preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover.case.fsqca.expression import Term
    from spillover.case.fsqca.truth_table import TruthTable

Kind = Literal["complex", "parsimonious", "intermediate"]


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """One minimal expression and its fit.

    Attributes
    ----------
    expression : str
        Such as ``"DEV*~IND + URB*STB"``.
    terms : pandas.DataFrame
        term, consistency, pri, coverage, unique_coverage (what the model would cover less without
        the term), cases (with membership above 0.5 in the term).
    consistency, pri, coverage : float
        Of the whole expression.
    simplifying : tuple of str
        The remainders that the expression takes to lead to the outcome.
    """

    expression: str
    terms: pd.DataFrame
    consistency: float
    pri: float
    coverage: float
    simplifying: tuple[str, ...]

    def __repr__(self) -> str:
        head = (
            f"{self.expression}  (consistency {self.consistency:.3f}, PRI {self.pri:.3f}, "
            f"coverage {self.coverage:.3f}; {len(self.simplifying)} simplifying assumptions)"
        )
        return head + "\n" + self._shown().to_string(index=False, float_format="{:.3f}".format)

    def _shown(self) -> pd.DataFrame:
        return self.terms.assign(cases=[", ".join(map(str, c)) for c in self.terms["cases"]])


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """All minimal models of one kind.

    Attributes
    ----------
    kind : {"complex", "parsimonious", "intermediate"}
    outcome : str
    models : tuple of Model
        More than one where the table does not decide between them; a report of one of them only
        would hide that.
    """

    kind: Kind
    outcome: str
    models: tuple[Model, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per term and model.

        Returns
        -------
        pandas.DataFrame
            model (1, 2, ...), term, consistency, pri, coverage, unique_coverage, cases.
        """
        return pd.concat(
            [model.terms.assign(model=at) for at, model in enumerate(self.models, 1)],
            ignore_index=True,
        )[["model", "term", "consistency", "pri", "coverage", "unique_coverage", "cases"]]

    def glance(self) -> pd.DataFrame:
        """Return one row per model.

        Returns
        -------
        pandas.DataFrame
            expression, consistency, pri, coverage, simplifying (how many remainders).
        """
        rows = [
            (m.expression, m.consistency, m.pri, m.coverage, len(m.simplifying))
            for m in self.models
        ]
        columns = ["expression", "consistency", "pri", "coverage", "simplifying"]
        return pd.DataFrame(rows, columns=columns, index=range(1, len(rows) + 1))

    def __repr__(self) -> str:
        several = f", {len(self.models)} minimal models" if len(self.models) > 1 else ""
        head = f"{self.kind.capitalize()} solution for {self.outcome}{several}"
        return "\n".join([head, *(f"M{at}: {m!r}" for at, m in enumerate(self.models, 1))])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(repr(self).splitlines()[0])}</b></p>"]
        for at, model in enumerate(self.models, 1):
            head, *_ = repr(model).splitlines()
            table = model._shown().to_html(index=False, border=0, float_format="{:.3f}".format)
            parts.append(f"<p>M{at}: {escape(head)}</p>{table}")
        return "<div>" + "".join(parts) + "</div>"


def minimise(
    table: TruthTable,
    kind: Kind = "complex",
    *,
    expectations: Mapping[str, bool] | None = None,
    exclude: Sequence[Mapping[str, bool]] = (),
) -> Solution:
    """Minimise a truth table to the shortest expressions that cover its sufficient combinations.

    Parameters
    ----------
    table : TruthTable
    kind : {"complex", "parsimonious", "intermediate"}
        "complex" uses no remainder; "parsimonious" every remainder that shortens the expression;
        "intermediate" only easy counterfactuals, those in line with ``expectations``.
    expectations : mapping of str to bool, optional
        Condition -> whether its presence (True) or its absence (False) should lead to the outcome.
        Conditions left out have no expected direction. Needed for "intermediate".
    exclude : sequence of mappings
        Combinations, one value per condition, that must not be assumed: untenable remainders.

    Returns
    -------
    Solution
        Every minimal model: the fewest terms, made of prime implicants.

    Raises
    ------
    IdentificationError
        If no combination is sufficient for the outcome, or all are.
    SchemaError
        For an unknown condition, or expectations missing or out of place.

    Notes
    -----
    Intermediate solution: a complex term that lies within a parsimonious one gives up the
    conditions which the parsimonious term lacks and whose sign contradicts the expectation. The
    remainders so covered are the easy counterfactuals; the table is minimised anew with these
    alone, for every pair of a complex and a parsimonious model (Ragin & Sonnett 2005).

    References
    ----------
    Quine, W. V. (1952). The problem of simplifying truth functions. American Mathematical Monthly
    59(8), 521-531.

    Ragin, C. C. & Sonnett, J. (2005). Between complexity and parsimony: limited diversity,
    counterfactual cases, and comparative analysis. In: Vergleichen in der Politikwissenschaft,
    VS Verlag, 180-197.

    Examples
    --------
    >>> import pandas as pd
    >>> from spillover.case.fsqca import truth_table
    >>> cases = pd.DataFrame({"A": [0.9, 0.8, 0.1], "B": [0.7, 0.2, 0.3], "Y": [0.9, 0.7, 0.2]})
    >>> minimise(truth_table(cases, "Y", ["A", "B"])).models[0].expression
    'A'
    """
    check_choice("kind", kind, ("complex", "parsimonious", "intermediate"))
    wanted = _expectations(table, kind, expectations)
    sufficient = table.numbers("1")
    if not sufficient:
        raise IdentificationError(
            f"No combination is sufficient for {table.outcome}: none reaches consistency "
            f"{table.consistency:g} and PRI {table.pri:g} with {table.frequency} cases."
        )
    remainders = table.numbers("?") - {_number(table, one) for one in exclude}
    if len(sufficient) + len(table.numbers("?")) == len(table.rows):
        raise IdentificationError(
            f"Every observed combination is sufficient for {table.outcome}: there is nothing to "
            "tell conditions apart. Raise the cut, or add cases without the outcome."
        )
    if kind == "complex":
        covers = _minimal(table, sufficient, frozenset())
    elif kind == "parsimonious":
        covers = _minimal(table, sufficient, remainders)
    else:
        covers = _intermediate(table, sufficient, remainders, wanted)
    return Solution(kind, table.outcome, tuple(_model(table, terms) for terms in covers))


def _expectations(
    table: TruthTable, kind: Kind, expectations: Mapping[str, bool] | None
) -> list[bool | None]:
    if (kind == "intermediate") != (expectations is not None):
        raise SchemaError(
            "expectations= goes with kind='intermediate', and it needs them: for each condition "
            "whether its presence (True) or absence (False) should lead to the outcome."
        )
    given = dict(expectations or {})
    _check_conditions(table, given)
    return [given.get(name) for name in table.conditions]


def _check_conditions(table: TruthTable, given: Mapping[str, bool]) -> None:
    for name, value in given.items():
        if name not in table.conditions:
            raise SchemaError(f"{name!r} is no condition.{did_you_mean(name, table.conditions)}")
        if value not in (True, False):
            raise SchemaError(f"{name}: {value!r} is neither True (present) nor False (absent).")


def _number(table: TruthTable, combination: Mapping[str, bool]) -> int:
    _check_conditions(table, combination)
    absent = [name for name in table.conditions if name not in combination]
    if absent:
        raise SchemaError(f"An excluded combination says nothing of {preview(absent)}.")
    number = 0
    for name in table.conditions:
        number = 2 * number + int(combination[name])
    if number not in table.numbers("?"):
        raise SchemaError(f"The excluded combination {dict(combination)} is no remainder.")
    return number


def _minimal(
    table: TruthTable, sufficient: frozenset[int], assumed: frozenset[int]
) -> list[tuple[Term, ...]]:
    size = len(table.conditions)
    primes = prime_implicants(sufficient | assumed, size)
    return [
        tuple(to_term(primes[at], size) for at in chosen)
        for chosen in smallest_covers(primes, sufficient)
    ]


def _intermediate(
    table: TruthTable,
    sufficient: frozenset[int],
    remainders: frozenset[int],
    wanted: list[bool | None],
) -> list[tuple[Term, ...]]:
    found: dict[tuple[Term, ...], None] = {}
    for complex_model in _minimal(table, sufficient, frozenset()):
        for parsimonious in _minimal(table, sufficient, remainders):
            easy: set[int] = set()
            for term in complex_model:
                for short in parsimonious:
                    if members(term) <= members(short):
                        easy |= members(_relax(term, short, wanted)) & remainders
            found |= dict.fromkeys(_minimal(table, sufficient, frozenset(easy)))
    return list(found)


def _relax(term: Term, short: Term, wanted: list[bool | None]) -> Term:
    """Drop what contradicts the expectations, unless the parsimonious term has it."""
    return tuple(
        value if kept is not None or expected is None or value == int(expected) else None
        for value, kept, expected in zip(term, short, wanted, strict=True)
    )


def _model(table: TruthTable, terms: tuple[Term, ...]) -> Model:
    sets = table.data[list(table.conditions)].to_numpy(dtype=np.float64)
    y = membership(table.outcome, table.data).to_numpy(dtype=np.float64)
    parts = np.array([term_membership(term, sets) for term in terms])
    whole = sufficiency(parts.max(axis=0), y)
    rows = []
    for at, term in enumerate(terms):
        fit = sufficiency(parts[at], y)
        others = np.delete(parts, at, axis=0)
        rest = sufficiency(others.max(axis=0), y).coverage if len(others) else 0.0
        cases = tuple(table.data.index[parts[at] > 0.5])
        name = write_term(term, table.conditions)
        rows.append((name, fit.consistency, fit.pri, fit.coverage, whole.coverage - rest, cases))
    columns = ["term", "consistency", "pri", "coverage", "unique_coverage", "cases"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.sort_values("coverage", ascending=False, kind="stable", ignore_index=True)
    assumed = frozenset[int]().union(*map(members, terms)) & table.numbers("?")
    size = len(table.conditions)
    simplifying = tuple(
        write_term(to_term((number, 0), size), table.conditions) for number in sorted(assumed)
    )
    expression = " + ".join(frame["term"])
    return Model(expression, frame, whole.consistency, whole.pri, whole.coverage, simplifying)
