"""Which rules can apply to a configuration, by what stands at the top of its `<k>` cell.

The first two items of the `<k>` cell are looked at. A rule is left out only if its left side cannot match any instance
of a configuration with the same symbols there, so that leaving it out never hides a rule that might apply. Where a
configuration has no `<k>` cell, or more than one, every rule is a candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from .compile import CompiledRule
from .terms import DV, App, Inj, Term

if TYPE_CHECKING:
    from .definition import Theory
    from .rules import RewriteRule
    from .signature import Signature
    from .symbols import Symbol

__all__ = ['RuleIndex']

_K_CELL: Final = "Lbl'-LT-'k'-GT-'"
_KSEQ: Final = 'kseq'
_DOTK: Final = 'dotk'
_LIMIT: Final = 10_000
"""Kinds of configurations whose candidates are remembered."""


_Path: TypeAlias = 'tuple[tuple[Symbol, int], ...]'


def _k_path(term: Term) -> _Path | None:
    """Return the way to the content of the only `<k>` cell, through constructors; None if there is not just one.

    Each step is a constructor that no overload concerns, and the number of its argument.
    """
    paths: list[_Path] = []
    stack: list[tuple[Term, _Path]] = [(term, ())]
    while stack:
        one, path = stack.pop()
        if not isinstance(one, App) or one.symbol.reducible or one.symbol.relatives:
            continue
        if one.symbol.name == _K_CELL:
            paths.append((*path, (one.symbol, 0)))
            continue
        if one.symbol.name != _KSEQ:
            stack.extend((arg, (*path, (one.symbol, index))) for index, arg in enumerate(one.args))
    return paths[0] if len(paths) == 1 else None


def _head(term: Term) -> Any:
    """Return what kind of item `term` is: two subjects of one kind have the same candidates.

    A symbol for a constructor; a sort in a tuple for anything else of which only the sort is used.
    """
    if type(term) is Inj:
        term = term.inner
    if type(term) is App and not term.symbol.reducible:
        return term.symbol
    if type(term) is DV:
        return term.sort
    return None


def _can_match(signature: Signature, pattern: Term, kind: Any) -> bool:
    """Whether a pattern for an item can match an item of the kind; true when in doubt."""
    if kind is None:
        return True
    inner = pattern.inner if type(pattern) is Inj else pattern
    if isinstance(inner, App) and not inner.symbol.reducible:
        return inner.symbol is kind or kind in inner.symbol.relatives
    if isinstance(inner, App):
        return True
    if isinstance(inner, DV):
        return inner.sort is kind
    if type(pattern) is Inj:
        # A variable, or something unknown, below an injection: it must be able to have the item's sort.
        sort = kind.result if hasattr(kind, 'result') else kind
        return not signature.sorts_disjoint(inner.sort, sort)
    return True


@final
class RuleIndex:
    """The rules of a theory in groups of one priority, with their code, filtered by the configuration."""

    __slots__ = ('_cache', '_everything', '_path', '_theory')

    def __init__(self, theory: Theory) -> None:
        self._theory = theory
        groups: dict[int, list[CompiledRule]] = {}
        shared: dict[Any, Any] = theory.signature.compiled
        paths = set()
        for rule in theory.rewrites:
            made = shared.get(id(rule))
            if made is None:
                # The rule is kept by what is stored, so its id is not used again.
                made = shared[id(rule)] = CompiledRule(theory, rule)
            groups.setdefault(rule.priority, []).append(made)
            paths.add(_k_path(rule.lhs))
        self._everything = tuple(tuple(groups[priority]) for priority in sorted(groups))
        self._path = paths.pop() if len(paths) == 1 else None
        self._cache: dict[Any, tuple[tuple[CompiledRule, ...], ...]] = {}

    def groups(self, term: Term) -> tuple[tuple[CompiledRule, ...], ...]:
        """Return the rules that can match `term`, in groups, those of the highest priority first."""
        if self._path is None:
            return self._everything
        content = term
        for symbol, index in self._path:
            if type(content) is not App or content.symbol is not symbol:
                return self._everything
            content = content.args[index]
        if type(content) is not App:
            return self._everything
        if content.symbol.name != _KSEQ:
            if content.symbol.reducible or content.symbol.relatives:
                return self._everything
            key: Any = content.symbol
        else:
            first, second = content.args
            key = (
                _head(first),
                _head(second.args[0])
                if type(second) is App and second.symbol.name == _KSEQ
                else second.symbol
                if type(second) is App and not second.symbol.reducible
                else None,
            )
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) > _LIMIT:
                self._cache.clear()
            found = self._cache[key] = self._filter(key)
        return found

    def _filter(self, key: Any) -> tuple[tuple[CompiledRule, ...], ...]:
        groups = []
        for group in self._everything:
            kept = tuple(one for one in group if self._admits(one.rule, key))
            if kept:
                groups.append(kept)
        return tuple(groups)

    def _admits(self, rule: RewriteRule, key: Any) -> bool:
        signature = self._theory.signature
        content: Term = rule.lhs
        assert self._path is not None
        for _, index in self._path:
            assert isinstance(content, App)
            content = content.args[index]
        if not isinstance(content, App) or content.symbol.reducible:
            return True
        if not isinstance(key, tuple):
            return content.symbol is key
        if content.symbol.name != _KSEQ:
            return False
        first, second = content.args
        if not _can_match(signature, first, key[0]):
            return False
        if not isinstance(second, App) or second.symbol.reducible or key[1] is None:
            return True
        if second.symbol.name == _DOTK:
            return key[1] is second.symbol
        if second.symbol.name != _KSEQ:
            return True
        return getattr(key[1], 'name', '') != _DOTK and _can_match(signature, second.args[0], key[1])
