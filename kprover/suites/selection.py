"""Choosing claims by name."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .errors import SuiteError, near, quoted
from .specs import with_commas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .model import Claim, Suite


def select(suites: Sequence[Suite], names: Iterable[str]) -> tuple[Claim, ...]:
    """The named claims and all they depend on, in the order of the suites; all claims if no name is given.

    A name is 'suite/MODULE.label', or 'MODULE.label' or 'label' where only one claim is called so; or a pattern with
    '*' for any of these. What is no name may be one with the next ones, with commas between. One that begins with '!'
    takes away what it fits; if all do, they take away from all claims.
    A claim that another one depends on stays.

    Raises:
        SuiteError: a name fits no claim, or several, or nothing is left.
    """
    claims = {claim.name: claim for suite in suites for claim in suite.claims}
    names = together(suites, names)
    if not names:
        return tuple(claims.values())
    called = _called(claims.values())
    wanted = [name for name in names if not name.startswith('!')]
    left_out = {found for name in names if name.startswith('!') for found in _fitting(name[1:], claims, called)}
    fitting = [found for name in wanted for found in _fitting(name, claims, called)] if wanted else list(claims)
    pending = [name for name in fitting if name not in left_out]
    if not pending:
        raise SuiteError(None, '', f'no claim is left by {quoted(names, "and")}', 'name one that is to be proved')
    chosen: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen.add(name)
            pending += claims[name].depends
    return tuple(claim for name, claim in claims.items() if name in chosen)


def together(suites: Sequence[Suite], names: Iterable[str]) -> list[str]:
    """The names as they were meant, where a list was cut at the commas in them too."""
    claims = {claim.name: claim for suite in suites for claim in suite.claims}
    called = _called(claims.values())

    def known(name: str) -> bool:
        name = name.removeprefix('!')
        return name in claims or name in called or ('*' in name and any(fits(one, name) for one in (*claims, *called)))

    return with_commas(list(names), known)


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern, in which `*` and nothing else has a meaning, fits a name."""
    return fnmatchcase(name, pattern.replace('[', '[[]').replace('?', '[?]'))


def full_name(suites: Sequence[Suite], name: str) -> str:
    """`suite/LABEL` of a claim that is named by it, by its label, or by the end of its label. Raises `SuiteError`."""
    claims = {claim.name: claim for suite in suites for claim in suite.claims}
    return _resolve(name, claims, _called(claims.values()))


def _fitting(name: str, claims: dict[str, Claim], called: dict[str, list[str]]) -> list[str]:
    """The full names of the claims that a name or a pattern means."""
    if '*' not in name:
        return [_resolve(name, claims, called)]
    found = [full for full in claims if fits(full, name)]
    found += [full for short, names in called.items() if fits(short, name) for full in names]
    if not found:
        raise SuiteError(None, '', f"no claim is called '{name}'", near(name, claims))
    return list(dict.fromkeys(found))


def _resolve(name: str, claims: dict[str, Claim], called: dict[str, list[str]]) -> str:
    if name in claims:
        return name
    fitting = called.get(name, [])
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise SuiteError(None, '', f"several claims are called '{name}'", f'say which: {quoted(sorted(fitting), "or")}')
    raise SuiteError(None, '', f"no claim is called '{name}'", near(name, claims, () if '/' in name else called))


def _called(claims: Iterable[Claim]) -> dict[str, list[str]]:
    """The names of the claims that each shorter name may mean; a full label goes before the end of another."""
    full: dict[str, list[str]] = defaultdict(list)
    short: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        full[claim.label].append(claim.name)
        short[claim.label.rpartition('.')[2]].append(claim.name)
    return {**short, **full}
