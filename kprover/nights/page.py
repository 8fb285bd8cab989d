"""The page of a night: what is new, what is slower, and the trends. One file without scripts, for ever readable."""

from __future__ import annotations

import functools
import re
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import DictLoader, Environment, StrictUndefined

from ..report.folder import write_whole
from ..report.text import count, duration, first_line
from . import charts
from .compare import Change
from .read import claim_trends, read_comparison, read_nights, suite_trends
from .text import STATUSES, TOLD, before_lines, counts_text, statuses, times_text, why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

    from jinja2 import Template

    from .compare import ClaimComparison, Comparison
    from .database import History
    from .read import SuiteNight
    from .values import ClaimResult, Night

    Nights = Sequence[tuple[Night, Mapping[str, ClaimResult]]]

TREND: Final = 30
"""So many nights are in the trends."""

INDEX: Final = 'index.html'
"""The page of the last night, for a bookmark."""

REPORTS: Final = 30
"""Of so many nights the report of the run is kept: it has every proof, and may be large."""

_URGENCY: Final = (*TOLD, *(change for change in Change if change not in TOLD))


def page_path(history: History, night: Night, folder: Path) -> Path:
    """Where the page of a night is: `DATE.html`, with the night's number where the date had other nights."""
    before = [other for other in history.nights(1 << 30, before=night.number) if other.date == night.date]
    return folder / (f'{night.date}-{night.number}.html' if before else f'{night.date}.html')


def report_path(page: Path) -> Path:
    """Where the report of a night's run is kept, given the path of the night's page."""
    return page.with_suffix('.report.html')


def keep_report(report: Path, page: Path) -> None:
    """Copy the report of a run to where the page of its night links to it; the oldest of more than `REPORTS` go.

    Raises:
        OSError: The report cannot be read, or the folder not be written to.
    """
    write_whole(report_path(page), report.read_bytes())
    for old in sorted(page.parent.glob('*.report.html'))[:-REPORTS]:
        old.unlink(missing_ok=True)


def write_pages(history: History, night: Night, folder: Path) -> Path:
    """Write the page of a night, and `index.html` if it is the last one. Returns the path of the page.

    Raises:
        OSError: The folder cannot be written to.
    """
    path = page_path(history, night, folder)
    content = render(history, night, folder).encode('utf-8', errors='backslashreplace')
    write_whole(path, content)
    last = history.nights(1)
    if last and last[0].number == night.number:
        write_whole(folder / INDEX, content)
    return path


def remove_pages(folder: Path, before: date) -> None:
    """Remove the pages of the nights before a date, with the reports."""
    for path in folder.glob('*.html'):
        name = re.fullmatch(r'(\d{4}-\d\d-\d\d)(-\d+)?(\.report)?\.html', path.name)
        if name is not None and date.fromisoformat(name[1]) < before:
            path.unlink(missing_ok=True)


def render(history: History, night: Night, folder: Path) -> str:
    """The page of a night as HTML. Links to other nights are relative, to those whose pages are in the folder."""
    comparison = read_comparison(history, night)
    nights = read_nights(history, TREND, until=night)
    report = report_path(page_path(history, night, folder))
    links = {other.number: page_path(history, other, folder).name for other, _ in nights}
    return _template().render(
        night=night,
        comparison=comparison,
        headline=headline(comparison),
        found=statuses(claim.now for claim in comparison.claims),
        before=before_lines(comparison),
        changes=[(change, comparison.of(change)) for change in TOLD if comparison.of(change)],
        runs=history.runs(night),
        report=report.name if report.exists() else '',
        reports=REPORTS,
        nights=[
            (other, links[other.number] if (folder / links[other.number]).exists() else '', statuses(results.values()))
            for other, results in reversed(nights)
        ],
        suites=[_suite(name, trend, nights) for name, trend in suite_trends(nights).items()],
        claims=_claims(comparison, nights),
        style=_style(),
        statuses=STATUSES,
    )


def headline(comparison: Comparison) -> str:
    """What is new, in a line: `2 newly failing, 1 flaky`."""
    told = [
        (comparison.of(Change.NEWLY_FAILING), 'newly failing'),
        (comparison.of(Change.FLAKY), 'flaky'),
        (comparison.of(Change.NEWLY_PASSING), 'newly passing'),
        (comparison.slower_by_counts, 'slower by counts'),
        (comparison.slower_by_time, 'slower by time'),
        (comparison.of(Change.NEVER_ATTEMPTED), 'never attempted'),
    ]
    return ', '.join(f'{len(claims)} {word}' for claims, word in told if claims) or 'nothing new'


def _suite(name: str, trend: Sequence[SuiteNight], nights: Nights) -> dict[str, Any]:
    at = {found.night.number: found for found in trend}
    there = [at.get(night.number) for night, _ in nights]
    return {
        'name': name,
        'statuses': charts.stacked_bars([None if found is None else found.statuses for found in there], STATUSES),
        'plots': [
            ('requests', _last(trend).requests, charts.line([None if f is None else f.requests for f in there], 48.0)),
            (
                'rewrite steps',
                _last(trend).rewrites,
                charts.line([None if f is None else f.rewrites for f in there], 48.0),
            ),
            (
                'worker time',
                duration(_last(trend).seconds),
                charts.line([None if f is None else round(f.seconds, 2) for f in there], 48.0, unit=' s'),
            ),
        ],
    }


def _last(trend: Sequence[SuiteNight]) -> SuiteNight:
    return trend[-1]


def _claims(comparison: Comparison, nights: Nights) -> list[dict[str, Any]]:
    trends = claim_trends(nights)
    rows = []
    for claim in sorted(comparison.claims, key=lambda claim: _URGENCY.index(claim.change)):
        at = {night.number: result for night, result in trends.get(claim.now.claim, ())}
        there = [at.get(night.number) for night, _ in nights]
        rows.append(
            {
                'claim': claim,
                'strip': charts.status_strip([None if found is None else found.status for found in there]),
                'requests': charts.line([f.cost.requests if f is not None and f.decided else None for f in there]),
                'seconds': _times(claim, there),
            }
        )
    return rows


def _times(claim: ClaimComparison, there: Sequence[ClaimResult | None]) -> charts.Picture:
    """Times of the nights that measured one, with what is usual as a band."""
    band = None if claim.times is None else (claim.times.usual, claim.times.noise)
    values = [f.cost.seconds if f is not None and f.decided and f.worked else None for f in there]
    return charts.line(values, band=band, unit=' s')


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=DictLoader({'night.html': _asset('night.html')}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {'duration': duration, 'first_line': first_line, 'why': why}
    environment.filters |= {'counts': counts_text, 'times': times_text}
    environment.globals['count'] = count
    return environment.get_template('night.html')


def _style() -> str:
    """The style of a run's page, and what nights have besides."""
    shared = files('kprover.report') / 'page' / 'assets' / 'page.css'
    return shared.read_text(encoding='utf-8') + _asset('night.css')


def _asset(name: str) -> str:
    return (files(__package__) / 'assets' / name).read_text(encoding='utf-8')
