"""Choosing claims by name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .errors import SuiteError, near, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .model import Claim, Suite


def select(suites: Sequence[Suite], names: Iterable[str]) -> tuple[Claim, ...]:
    """The named claims and all they depend on, in the order of the suites; all claims if no name is given.

    A name is 'suite/MODULE.label', or 'MODULE.label' or 'label' where only one claim is called so.

    Raises:
        SuiteError: a name fits no claim, or several.
    """
    claims = {claim.name: claim for suite in suites for claim in suite.claims}
    names = list(names)
    if not names:
        return tuple(claims.values())
    called = _called(claims.values())
    pending = [_resolve(name, claims, called) for name in names]
    chosen: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen.add(name)
            pending += claims[name].depends
    return tuple(claim for name, claim in claims.items() if name in chosen)


def full_name(suites: Sequence[Suite], name: str) -> str:
    """`suite/LABEL` of a claim that is named by it, by its label, or by the end of its label. Raises `SuiteError`."""
    claims = {claim.name: claim for suite in suites for claim in suite.claims}
    return _resolve(name, claims, _called(claims.values()))


def _resolve(name: str, claims: dict[str, Claim], called: dict[str, list[str]]) -> str:
    if name in claims:
        return name
    fitting = called.get(name, [])
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise SuiteError(None, '', f"several claims are called '{name}'", f'say which: {quoted(sorted(fitting), "or")}')
    raise SuiteError(
        None, '', f"no claim is called '{name}'", near(name, [*claims, *called] if '/' not in name else claims)
    )


def _called(claims: Iterable[Claim]) -> dict[str, list[str]]:
    """The names of the claims that each shorter name may mean; a full label goes before the end of another."""
    full: dict[str, list[str]] = defaultdict(list)
    short: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        full[claim.label].append(claim.name)
        short[claim.label.rpartition('.')[2]].append(claim.name)
    return {**short, **full}
