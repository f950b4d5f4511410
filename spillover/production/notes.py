"""What a reader must know: rows left out, gaps in the years, groups that failed, odd solutions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spillover.errors import preview, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spillover.production.bootstrap import Draws
    from spillover.production.data import Inputs, Report
    from spillover.production.estimate import Estimate


def nothing(method: str, report: Report) -> str:
    """Say why no group could be estimated."""
    reasons = "; ".join(f"{group}: {why}" for group, why in list(report.failed.items())[:5])
    dropped = "; ".join(f"{rows(n)}, {why}" for why, n in list(_plain(report).items())[:5])
    return (
        f"No group can be estimated by {method}. {reasons or 'No row is left'}. Left out: "
        f"{dropped or 'nothing'}. Mend the columns, or group more coarsely with by=."
    )


def _plain(report: Report) -> dict[str, int]:
    """Rows left out by reason, without those of groups that are not estimated."""
    return {why: count for why, count in report.dropped.items() if " is not estimated: " not in why}


def row_notes(report: Report) -> list[str]:
    """Say which rows were left out: why, how many, in which groups."""
    plain = _plain(report)
    if not plain:
        return []
    shown = ", ".join(
        f"{why} ({count:,}{_groups(report.where.get(why, {}))})"
        for why, count in list(plain.items())[:4]
    )
    rest = f" and {len(plain) - 4} more reasons" if len(plain) > 4 else ""
    return [f"{rows(sum(plain.values()))} left out: {shown}{rest}"]


def _groups(counts: Mapping[str, int]) -> str:
    """Name the groups with most rows."""
    most = sorted(counts, key=lambda group: -counts[group])
    return f" in {preview(most, 3)}" if most else ""


def lag_notes(groups: Mapping[str, Inputs]) -> list[str]:
    """Say how many rows have no part in the law of motion for a gap or an unknown driver."""
    gaps = {name: inputs.gaps for name, inputs in groups.items() if inputs.gaps}
    unknown = {
        name: missing
        for name, inputs in groups.items()
        if (missing := int(inputs.has_lag.sum()) - len(inputs.second))
    }
    notes = []
    if gaps:
        notes.append(
            f"year: {rows(sum(gaps.values()))} after a gap have no lag (a lag is the calendar year "
            f"before){_groups(gaps)}"
        )
    if unknown:
        drivers = preview(next(iter(groups.values())).names.markov, 3)
        notes.append(
            f"{drivers}: unknown in {rows(sum(unknown.values()))}, which the law of motion leaves "
            f"out{_groups(unknown)}"
        )
    return notes


def group_notes(
    report: Report, estimates: Mapping[str, Estimate], draws: Draws | None
) -> tuple[str, ...]:
    """Gather what a reader must know about the groups' estimates and draws."""
    failed = [f"{group} ({why})" for group, why in report.failed.items()]
    notes = []
    if failed:
        notes.append(
            f"{len(failed)} group(s) not estimated: {', '.join(failed[:3])}"
            + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")
        )
    said: dict[str, list[str]] = {}
    for group, estimate in estimates.items():
        for note in estimate.notes:
            said.setdefault(note, []).append(group)
    listed = [f"{preview(groups, 3)}: {note}" for note, groups in said.items()]
    notes += listed[:3]
    if len(listed) > 3:
        notes.append(f"{len(listed) - 3} more notes in the estimates of single groups")
    if draws is not None and draws.failures:
        lost = sum(sum(reasons.values()) for reasons in draws.failures.values())
        where = preview(list(draws.failures), 3)
        notes.append(f"{lost:,} bootstrap estimates failed (in {where}) and are left out")
    return tuple(notes)


def with_failed(
    report: Report, failed: Mapping[str, str], groups: Mapping[str, Inputs], by: str | None
) -> Report:
    """Count the rows of groups whose estimation failed among those left out."""
    if not failed:
        return report
    why = report.why.copy()
    lost = {}
    for group, problem in failed.items():
        reason = f"{by or 'sample'} {group} is not estimated: {problem}"
        why.iloc[groups[group].row] = reason
        lost[reason] = len(groups[group])
    return replace(
        report,
        used=report.used - sum(lost.values()),
        dropped={**report.dropped, **lost},
        failed={**report.failed, **failed},
        why=why,
    )
