"""The page as one file: template, style and scripts of `assets`, the plot library, and the packed data.

Everything from a user goes through the template's escaping or, packed, into text nodes that the scripts make. The
content security policy allows the page's own scripts only, and nothing from a network.
"""

from __future__ import annotations

import functools
import secrets
import time
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import DictLoader, Environment, StrictUndefined

from ..text import duration
from .content import content, proof_of
from .proofs import PackedProofs, pack, pack_text
from .timeline import timeline

if TYPE_CHECKING:
    from typing import Final

    from jinja2 import Template

    from ...engine.ledger import ReadableStore
    from ..record import RunRecord

SCRIPTS: Final = ('base.js', 'claims.js', 'graph.js', 'proof.js', 'plots.js', 'main.js')
"""The page's scripts, in the order in which they are put together."""

REFRESH_SECONDS: Final = 5
"""How often a page of a run that goes on is loaded again by the browser."""


def render(
    record: RunRecord, store: ReadableStore, *, packed: PackedProofs | None = None, now: float | None = None
) -> str:
    """The page of a run as HTML.

    Args:
        store: Where the proof graphs are read from.
        packed: What is left of an earlier call for the same run: proofs that have not changed are taken from it.
        now: Seconds since the epoch.
    """
    packed = packed if packed is not None else PackedProofs()
    proofs = {proof_of(claim): claim for claim in reversed(record.claims)}
    return _template().render(
        **content(record, now=time.time() if now is None else now),
        nonce=secrets.token_urlsafe(16),
        style=_asset('page.css'),
        script='\n'.join(_asset(name) for name in SCRIPTS),
        plots=_plot_library() if record.activities or record.readings else '',
        timeline=pack(timeline(record)),
        proofs=[packed.of(proofs[proof], record, store) for proof in dict.fromkeys(map(proof_of, record.claims))],
        refresh=REFRESH_SECONDS,
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=DictLoader({'page.html': _asset('page.html')}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {'duration': duration, 'size': _size, 'percent': _percent, 'digits': _digits}
    return environment.get_template('page.html')


def _asset(name: str) -> str:
    return (files(__package__) / 'assets' / name).read_text(encoding='utf-8')


@functools.cache
def _plot_library() -> str:
    from plotly.offline import get_plotlyjs

    return pack_text(get_plotlyjs(), level=1)  # every run pays for it, also one with nothing to do


def _size(amount: float) -> str:
    """Bytes for people: `312 MiB`, `2.4 GiB`."""
    for unit in ('B', 'KiB', 'MiB'):
        if amount < 1024:
            return f'{amount:.0f} {unit}'
        amount /= 1024
    return f'{amount:.1f} GiB'


def _percent(share: float) -> str:
    return f'{100 * share:.0f} %'


def _digits(number: int) -> str:
    """A whole number with its thousands apart."""
    return f'{number:,}'
