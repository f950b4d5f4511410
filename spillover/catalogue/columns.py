"""What columns a study's equations need, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd
from formulaic import Formula

from spillover.catalogue.study import Column
from spillover.errors import SchemaError
from spillover.panel.formula import effect_name, parse_effect, parse_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spillover.catalogue.study import Equation, Links, Study

_CANONICAL = (
    ("firm", "firm", "code"),
    ("year", "calendar year", "year"),
    ("industry", "industry, a sector of the input-output table", "code"),
    ("region", "region of the firm", "code"),
    ("country", "country", "code"),
    ("origin", "home of the (largest) foreign owner", "name"),
    ("output", "output or sales, constant prices", "money"),
    ("exports", "exports, part of output", "money"),
    ("employment", "employees", "persons"),
    ("capital", "capital stock", "money"),
    ("materials", "intermediate inputs", "money"),
    ("investment", "investment", "money"),
    ("wage_bill", "wages and salaries", "money"),
    ("value_added", "value added", "money"),
    ("foreign_share", "equity in foreign hands", "share, 0 to 1"),
    ("tfp", "log total factor productivity, as the study measures it", "log"),
)
CANONICAL: Mapping[str, Column] = MappingProxyType(
    {name: Column(name=name, meaning=meaning, unit=unit) for name, meaning, unit in _CANONICAL}
    | {
        "real_output": Column(
            name="real_output",
            meaning="output at constant prices; a replica keeps it apart from the sales that "
            "weight foreign presence, so that presence is independent of the error",
            unit="money",
            fallback="output",
        )
    }
)


def documented(study: Study) -> Mapping[str, Column]:
    """Return every column that is documented for a study: its own, and the canonical ones."""
    own = {column.name: column for column in study.columns}
    return {**CANONICAL, **own}


def linkage_columns(study: Study) -> dict[str, Links]:
    """Return linkage column -> the definition that gives it."""
    return {name: links for links in study.links for name in links.columns}


def parts_of(side: str) -> list[str]:
    """Split one side of a formula at the plus signs outside brackets.

    Examples
    --------
    >>> parts_of("log(a + b) + x:z")
    ['log(a + b)', 'x:z']
    """
    parts, depth = [""], 0
    for char in side:
        depth += (char in "([{") - (char in ")]}")
        if char == "+" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def variables(text: str) -> list[str]:
    """List the columns that a part of a formula uses.

    Examples
    --------
    >>> variables("log(capital):age")
    ['age', 'capital']
    """
    return sorted(str(name) for name in Formula(f"0 + {text}").required_variables)


def equation_columns(equation: Equation) -> list[str]:
    """List the columns of an equation: outcome, regressors, effects, clusters, sample."""
    model = parse_formula(equation.formula)
    sides = [model.outcome, *parts_of(model.regressors)]
    for more in (getattr(model, "endogenous", ""), getattr(model, "instruments", "")):
        sides += parts_of(more) if more else []
    names = [name for side in sides for name in variables(side)]
    names += [name for effect in model.absorbed for name in effect]
    if equation.inference == "cluster":
        levels = [equation.cluster] if isinstance(equation.cluster, str) else equation.cluster
        names += [name for level in levels for name in parse_effect(level)]
    names += sample_columns(equation.sample)
    return list(dict.fromkeys(names))


def sample_columns(sample: str) -> list[str]:
    """List the columns that a sample is chosen by.

    Examples
    --------
    >>> sample_columns("domestic and small"), sample_columns("all")
    (['foreign_share', 'small'], [])
    """
    if sample == "all":
        return []
    pieces = sample.split(" and ")
    return ["foreign_share" if piece in ("domestic", "foreign") else piece for piece in pieces]


def links_need(links: Links) -> list[str]:
    """List the panel columns behind linkage measures."""
    one = links.definition
    names = ["firm", "year", "industry", "output", "foreign_share"]
    names += [one.weight] if one.weight not in ("none", "output") else []
    names += ["exports"] if one.nets_exports else []
    names += ["region"] if one.region != "none" else []
    if one.foreign is not None and one.foreign.column != "foreign_age":
        names.append(one.foreign.column)
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Plan:
    """How to get from a panel to the equations.

    Attributes
    ----------
    substitutes : mapping of str to str
        Column -> the one that stands in.
    before, after : tuple of Column
        To make before and after the linkages are attached, in this order.
    links : tuple of Links
    tfp : bool
        Whether productivity is to be estimated.
    dropped : tuple of str
        Optional columns that are absent.
    """

    substitutes: Mapping[str, str]
    before: tuple[Column, ...]
    after: tuple[Column, ...]
    links: tuple[Links, ...]
    tfp: bool
    dropped: tuple[str, ...]


class _Planner:
    """Walks from the equations' columns down to those of the panel."""

    def __init__(self, study: Study, present: Iterable[str]) -> None:
        self.study = study
        self.present = set(present)
        self.known = documented(study)
        self.linkages = linkage_columns(study)
        self.substitutes: dict[str, str] = {}
        self.made: dict[str, Column] = {}
        self.links: dict[int, Links] = {}
        self.tfp = False
        self.missing: dict[str, str] = {}
        self.dropped: dict[str, None] = {}

    def want(self, name: str) -> bool:
        """Find a column; False if it cannot be had (which is noted)."""
        if name in self.present or name in self.made or name in self.substitutes:
            return True
        if name in self.missing or name in self.dropped:
            return False
        if name in self.linkages:
            links = self.linkages[name]
            self.links[id(links)] = links
            return self._want_all(links_need(links))
        column = self.known.get(name)
        if column is None:
            raise SchemaError(f"{self.study.id} documents no column {name!r}.")
        if name == "tfp" and self.study.tfp:
            self.tfp = True
            return self._want_all(_tfp_needs(self.study))
        return self._without(column)

    def _want_all(self, names: Iterable[str]) -> bool:
        """Look for every one, so that all the missing are known at once."""
        found = [self.want(name) for name in names]
        return all(found)

    def _without(self, column: Column) -> bool:
        if column.make is not None:
            before = dict(self.missing)
            if self._want_all(column.needs):
                self.made[column.name] = column
                return True
            self.missing = before if column.optional else self.missing
        elif column.fallback is not None and self.want(column.fallback):
            self.substitutes[column.name] = column.fallback
            return True
        if column.optional:
            self.dropped[column.name] = None
        elif column.make is None:
            unit = f" ({column.unit})" if column.unit else ""
            self.missing[column.name] = f"{column.name}: {column.meaning}{unit}"
        return False


def _tfp_needs(study: Study) -> list[str]:
    needs = ["firm", "year", "industry", "output", "employment", "capital", "materials"]
    return [*needs, "investment"] if study.tfp.get("method") == "op" else needs


def make_plan(study: Study, equations: Sequence[Equation], present: Iterable[str]) -> Plan:
    """Find out where every column comes from.

    Parameters
    ----------
    study : Study
    equations : sequence of Equation
    present : iterable of str
        The panel's columns.

    Returns
    -------
    Plan

    Raises
    ------
    SchemaError
        Naming every missing column and what it means.
    """
    planner = _Planner(study, present)
    for equation in equations:
        for name in equation_columns(equation):
            planner.want(name)
    if planner.missing:
        listed = "; ".join(planner.missing.values())
        raise SchemaError(
            f"{study.citation.short} needs {len(planner.missing)} column(s) that the panel does "
            f"not have. {listed}. Add them, or choose equations= that do without; "
            f"sp.studies[{study.id!r}].needs() lists all."
        )
    made = list(planner.made.values())
    return Plan(
        substitutes=planner.substitutes,
        before=tuple(column for column in made if not column.after),
        after=tuple(column for column in made if column.after),
        links=tuple(links for links in study.links if id(links) in planner.links),
        tfp=planner.tfp,
        dropped=tuple(planner.dropped),
    )


def without(equation: Equation, dropped: Sequence[str]) -> Equation:
    """Take the terms and effects out of an equation that use absent optional columns.

    Raises
    ------
    SchemaError
        If the outcome, the sample or all regressors need such a column.
    """
    if not dropped:
        return equation
    model = parse_formula(equation.formula)
    gone = set(dropped)
    needed = [*variables(model.outcome), *sample_columns(equation.sample)]
    absent = [name for name in needed if name in gone]
    if absent:
        raise SchemaError(f"it needs {', '.join(absent)}, which the panel does not have.")
    kept = [part for part in parts_of(model.regressors) if not gone & set(variables(part))]
    if not kept:
        raise SchemaError("all its regressors need columns that the panel does not have.")
    effects = [effect_name(effect) for effect in model.absorbed if not gone & set(effect)]
    formula = f"{model.outcome} ~ {' + '.join(kept)}"
    formula += f" | {' + '.join(effects)}" if effects else ""
    return replace(equation, formula=formula)


def describe_columns(study: Study) -> pd.DataFrame:
    """List the columns that a study's equations use: column, meaning, unit, origin.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
    """
    linkages, known = linkage_columns(study), documented(study)
    rows = []
    for name in _all_columns(study, linkages, known):
        if name in linkages:
            links = linkages[name]
            measure = links.measures[links.columns.index(name)]
            rows.append((name, f"{measure}: {links.definition.describe()}", "", "linkage"))
        else:
            column = known[name]
            rows.append((name, column.meaning, column.unit, _origin(column, study)))
    return pd.DataFrame(rows, columns=["column", "meaning", "unit", "origin"])


def _all_columns(
    study: Study, linkages: Mapping[str, Links], known: Mapping[str, Column]
) -> list[str]:
    """List the columns of all equations, and what these are made of."""
    found: dict[str, None] = {}
    waiting = [name for one in study.equations for name in equation_columns(one)]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        waiting += links_need(linkages[name]) if name in linkages else known[name].needs
    return list(found)


def _origin(column: Column, study: Study) -> str:
    if column.name == "tfp" and study.tfp:
        return "estimated if absent"
    if column.make is not None:
        return f"made from {', '.join(column.needs)} if absent"
    if column.fallback is not None:
        return f"else {column.fallback}"
    return "optional" if column.optional else "panel"
