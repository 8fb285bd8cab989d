"""Trends as paths of small SVG pictures. Pages of nights are kept by the hundred, so a plot library is not in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..report.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

STEP: Final = 9.0
"""Pixels from one night to the next."""

BAR: Final = 7.0
DOTTED: Final = 40.0
_RADIUS: Final = 1.6


@dataclass(frozen=True)
class Shape:
    """One path of a picture with the class that colours it."""

    kind: str
    path: str


@dataclass(frozen=True)
class Picture:
    """A picture of `width` x `height` pixels, and what it says to those who do not see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    says: str


def status_strip(statuses: Sequence[str | None], height: float = 12.0) -> Picture:
    """A square for each night, coloured by status; none where the claim was not in the night."""
    paths: dict[str, list[str]] = {}
    for position, status in enumerate(statuses):
        if status is not None:
            paths.setdefault(status, []).append(_bar(position, 0.0, height))
    says = ', '.join(f'{len(bars)} {status.replace("-", " ")}' for status, bars in paths.items())
    return Picture(
        width=STEP * len(statuses),
        height=height,
        shapes=tuple(Shape(f'f-{status}', ''.join(bars)) for status, bars in paths.items()),
        says=f'{count(len(statuses), "night")}: {says or "none"}',
    )


def stacked_bars(nights: Sequence[Mapping[str, int] | None], order: Sequence[str], height: float = 72.0) -> Picture:
    """A bar for each night, its parts in an order; heights are shares of the greatest total."""
    most = max((sum(night.values()) for night in nights if night), default=0) or 1
    paths: dict[str, list[str]] = {}
    for position, night in enumerate(nights):
        bottom = height
        for status in order:
            part = height * (night or {}).get(status, 0) / most
            if part:
                bottom -= part
                paths.setdefault(status, []).append(_bar(position, bottom, part))
    last = next((night for night in reversed(nights) if night), {})
    return Picture(
        width=STEP * len(nights),
        height=height,
        shapes=tuple(Shape(f'f-{status}', ''.join(paths[status])) for status in order if status in paths),
        says='last: ' + (', '.join(f'{last[s]} {s.replace("-", " ")}' for s in order if last.get(s)) or 'none'),
    )


def line(
    values: Sequence[float | None], height: float = 28.0, band: tuple[float, float] | None = None, unit: str = ''
) -> Picture:
    """A line through the values that there are, above a base line at zero.

    Args:
        height: Pixels; in a picture that is high enough each value has a dot.
        band: What is usual: its middle and half its width.
    """
    known = [value for value in values if value is not None]
    most = max([*known, sum(band) if band is not None else 0.0, 0.0]) or 1.0

    def y(value: float) -> float:
        return round(height - 2 - (height - 4) * max(min(value / most, 1.0), 0.0), 1)

    points = [(round(STEP * i + BAR / 2, 1), y(value)) for i, value in enumerate(values) if value is not None]
    shapes = [Shape('base', f'M0 {height - 1:g}h{STEP * len(values):g}')]
    if band is not None:
        top, bottom = y(band[0] + band[1]), y(band[0] - band[1])
        shapes.append(Shape('usual', f'M0 {top}h{STEP * len(values)}v{max(round(bottom - top, 1), 1.0)}H0z'))
    if points:
        # `h0` and round caps make a dot of a single point
        shapes.append(Shape('trend', 'M' + 'L'.join(f'{x} {y}' for x, y in points) + 'h0'))
    if points and height >= DOTTED:
        dots = (f'M{round(x - _RADIUS, 1)} {y}a{_RADIUS} {_RADIUS} 0 1 0 {2 * _RADIUS} 0z' for x, y in points)
        shapes.append(Shape('dots', ''.join(dots)))
    says = f'{known[0]:g} to {known[-1]:g}{unit}, at most {max(known):g}{unit}' if known else 'none'
    return Picture(STEP * len(values), height, tuple(shapes), says)


def _bar(position: int, top: float, height: float) -> str:
    return f'M{STEP * position:g} {top:.1f}h{BAR:g}v{height:.1f}h-{BAR:g}z'
