"""Case distinction by constructors: what the values of a sort can be, and whether that leaves anything of a condition.

A definition lists the constructors of a sort, and the sorts below it, in a *no junk* axiom. Where rules have been
instantiated away constructor by constructor, what they leave over is empty exactly if it is empty in each case. The
list is used only for sorts without literals and without equations between values, and only if it names everything that
the module in force declares; where that is not certain, nothing is concluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from .internalise import json_sort
from .predicates import Equal, Exists, Not, conjuncts
from .symbols import Sort
from .terms import App, Inj, Var, app, inj, var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .condition import PathCondition
    from .evaluate import Evaluator
    from .sentences import Json
    from .signature import Signature
    from .symbols import Symbol
    from .terms import Term

__all__ = ['CASE_LIMIT', 'Cases', 'NoJunk', 'cases_of', 'is_exhausted', 'read_no_junk']

CASE_LIMIT: Final = 64
"""Most cases that one question looks at; where it takes more, nothing is concluded."""
_MAX_DEPTH: Final = 4
"""Deepest nesting of cases: an injection of an injection counts as two."""


@final
@dataclass(frozen=True)
class NoJunk:
    """The constructors, by name, and the sorts below, that an axiom lists as all there is of a sort."""

    constructors: frozenset[str]
    subsorts: frozenset[Sort]


@final
@dataclass(frozen=True)
class Cases:
    """Every value of a sort is an application of one of `constructors` or an injection from one of `subsorts`."""

    constructors: tuple[Symbol, ...]
    subsorts: tuple[Sort, ...]


_Assume: TypeAlias = 'Callable[[PathCondition, Equal], PathCondition | None]'


# Reading ----------------------------------------------------------------------------------------------------------


def read_no_junk(pattern: Json) -> tuple[Sort, NoJunk | None] | None:
    """Return the sort that a no-junk axiom is about with what it lists; None if the axiom is of another kind.

    The list is None where the axiom admits something else, such as literals.
    """
    if pattern.get('tag') != 'Or':
        return None
    of = json_sort(pattern['sort'])
    constructors: set[str] = set()
    subsorts: set[Sort] = set()
    stack = [pattern]
    while stack:
        one = stack.pop()
        tag = one.get('tag')
        if tag == 'Or':
            stack.extend(one['patterns'] if 'patterns' in one else [one['first'], one['second']])
            continue
        if tag == 'Bottom':
            continue
        bound: set[str] = set()
        while one.get('tag') == 'Exists':
            bound.add(one['var'])
            one = one['arg']
        args = one.get('args', ()) if one.get('tag') == 'App' else None
        if args is None or not _are_distinct(args, bound):
            return of, None
        if one['name'] != 'inj':
            constructors.add(one['name'])
        elif len(args) == 1:
            subsorts.add(json_sort(one['sorts'][0]))
    return of, NoJunk(frozenset(constructors), frozenset(subsorts))


def _are_distinct(args: Sequence[Json], bound: set[str]) -> bool:
    """Whether the arguments are different bound variables, so that the pattern stands for all applications."""
    names = [one.get('name') if one.get('tag') == 'EVar' else None for one in args]
    return len(set(names)) == len(names) and all(one in bound for one in names)


def cases_of(signature: Signature, of: Sort, listed: Mapping[Sort, NoJunk | None]) -> Cases | None:
    """Return the cases of a sort, None if they are not known for certain. `listed` is what the axioms say."""
    given = listed.get(of)
    info = signature.sorts.get(of.name)
    if given is None or info is None or info.hook or info.has_domain_values or of.args:
        return None
    constructors: list[Symbol] = []
    for name, declaration in signature.symbols.items():
        attributes = declaration.attributes
        if attributes.function or attributes.macro or name == 'inj':
            continue
        if declaration.parameters:
            if declaration.result is of or declaration.result.is_variable:
                return None
        elif declaration.result is of:
            if name not in given.constructors or attributes.hook:
                return None
            constructors.append(declaration.instance(()))
    if len(constructors) != len(given.constructors):
        return None
    # A sort that is below the sort by way of a listed one is covered with it.
    covered: set[Sort] = {of}
    for one in given.subsorts:
        covered |= signature.subsorts(one)
    if not signature.subsorts(of) <= covered:
        return None
    return Cases(tuple(constructors), tuple(sorted(given.subsorts, key=lambda one: one.name)))


# Use --------------------------------------------------------------------------------------------------------------


def is_exhausted(evaluator: Evaluator, condition: PathCondition, fresh: Callable[[Var], Var], assume: _Assume) -> bool:
    """Return whether a condition certainly holds nowhere, by cases over a variable that it compares with constructors.

    `assume` adds an equation to a condition, and answers None if the two contradict each other.
    """
    return _Search(evaluator, fresh, assume).is_empty(condition, 0)


@final
class _Search:
    """The search of one question, with the number of cases it has left."""

    __slots__ = ('_assume', '_evaluator', '_fresh', '_left')

    def __init__(self, evaluator: Evaluator, fresh: Callable[[Var], Var], assume: _Assume) -> None:
        self._evaluator = evaluator
        self._fresh = fresh
        self._assume = assume
        self._left = CASE_LIMIT

    def is_empty(self, condition: PathCondition, depth: int) -> bool:
        if depth >= _MAX_DEPTH:
            return False
        return any(self._is_empty_for(condition, one, depth) for one in _compared(condition))

    def _is_empty_for(self, condition: PathCondition, variable: Var, depth: int) -> bool:
        """Return whether the condition holds for no value of `variable`."""
        cases = self._evaluator.signature.cases(variable.sort)
        if cases is None or len(cases.constructors) + len(cases.subsorts) > self._left:
            return False
        for value in self._values(variable, cases):
            self._left -= 1
            if self._left < 0:
                return False
            self._evaluator.budget.check()
            more = self._assume(condition, Equal(variable, value))
            if more is not None and not self._evaluator.unsatisfiable(more) and not self.is_empty(more, depth + 1):
                return False
        return True

    def _values(self, variable: Var, cases: Cases) -> Iterator[Term]:
        for symbol in cases.constructors:
            yield app(symbol, tuple(self._fresh(var(variable.name, one)) for one in symbol.arg_sorts))
        for lower in cases.subsorts:
            yield inj(variable.sort, self._fresh(var(variable.name, lower)))


def _compared(condition: PathCondition) -> list[Var]:
    """Return the variables that negated conjuncts compare with constructors or injections."""
    found: dict[Var, None] = {}
    for one in condition.conditions:
        if not isinstance(one, Not):
            continue
        body = one.arg
        bound: set[Var] = set()
        while isinstance(body, Exists):
            bound.add(body.variable)
            body = body.body
        for part in conjuncts(body):
            if isinstance(part, Equal):
                for side, other in ((part.left, part.right), (part.right, part.left)):
                    if isinstance(side, Var) and side not in bound and isinstance(other, (App, Inj)):
                        found[side] = None
    return list(found)
