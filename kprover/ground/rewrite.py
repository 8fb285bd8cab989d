"""The states that follow a ground state by the definition's rules, and whether a state is an instance of another.

Rules are tried by priority, the most urgent first; a rule of a lesser one counts only if none before it applies. A rule
applies where its left side matches and its `requires` is true, which a condition without a value is not. It leads on
only if its right side has a value and its `ensures` is true.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .evaluate import FUEL
from .matching import is_function
from .terms import BOOL, FALSE, INT, TRUE, App, NoValue, Undecided, integer, names, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from .definition import Definition, Rule
    from .evaluate import Evaluator
    from .terms import Substitution, Term, Var

_CHOICES: Final = 20
"""So many values are tried for a variable that a rule leaves open."""

_REMEMBERED: Final = 20_000

_WITNESSES: Final = 100
"""So many are tried for variables that only a constraint mentions."""


@dataclass(frozen=True)
class Following:
    """What follows a state.

    Attributes:
        states: The next states, without repetition.
        rules: The labels of the rules that apply, one for each that leads on.
        ended: Why a rule that applies does not lead on, for each such rule.
        chosen: Whether a value was chosen that the rules leave open: there are more next states than these.
    """

    states: tuple[Term, ...]
    rules: tuple[str, ...]
    ended: tuple[str, ...]
    chosen: bool


class Rewriter:
    """Rewrites over one definition; for one thread."""

    def __init__(self, evaluator: Evaluator, choose: Callable[[str], Term] | None = None):
        """
        Args:
            choose: Gives some value of a sort.
        """
        self.evaluator = evaluator
        self.definition = evaluator.definition
        self._choose = choose
        self._known: dict[Term, Following] = {}

    def following(self, state: Term) -> Following:
        """What follows a state. Raises `Undecided`."""
        known = self._known.get(state)
        if known is not None:
            return known
        self.evaluator.fuel = FUEL
        found = self._following(state)
        if not found.chosen:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[state] = found
        return found

    def instances(
        self, pattern: Term, constraints: Sequence[Term], state: Term, given: Mapping[str, Term]
    ) -> Iterator[Substitution]:
        """The values for the other variables with which a constrained pattern is a state.

        Raises:
            Undecided: that depends on what is not known.
        """
        self.evaluator.fuel = FUEL
        unknown: Undecided | None = None
        for found in self.evaluator.matcher.matches([(pattern, state)], given):
            try:
                more = self._witness(constraints, found)
            except Undecided as err:
                unknown = err
                continue
            if more is not None:
                yield more
        if unknown is not None:
            raise unknown

    def _witness(self, constraints: Sequence[Term], found: Substitution) -> Substitution | None:
        """The substitution, with values for what only the constraints mention, if they hold then.

        Raises `Undecided` also where none of a few values will do.
        """
        open_ = unbound(constraints, found)
        if not open_:
            return found if self.evaluator.all_hold(constraints, found) else None
        closed = [part for part in constraints if not unbound([part], found)]
        if not self.evaluator.all_hold(closed, found):
            return None
        others = [part for part in constraints if part not in closed]
        for part in others:
            for pattern, term in _equations(part, self.definition):
                if unbound([term], found):
                    continue
                try:
                    value = self.evaluator.value(term, found)
                    solutions = list(self.evaluator.matcher.matches([(pattern, value)], found))
                except NoValue:
                    return None
                except Undecided:
                    continue
                witnesses = (self._witness(others, more) for more in solutions)
                return next((witness for witness in witnesses if witness is not None), None)
        for values in itertools.islice(itertools.product(*map(_candidates, open_)), _WITNESSES):
            more = {**found, **{variable.name: value for variable, value in zip(open_, values, strict=True)}}
            if self.evaluator.all_hold(others, more):
                return more
        raise Undecided(f'no witness was found for {open_[0].name}')

    def _following(self, state: Term) -> Following:
        states: dict[Term, None] = {}
        labels: list[str] = []
        ended: list[str] = []
        chosen = False
        for _, heads in self.definition.groups:
            applied = False
            for rule in self._candidates(heads, state):
                for found in self._applications(rule, state):
                    applied = True
                    try:
                        following, open_ = self._right(rule, found)
                    except NoValue as err:
                        ended.append(f'rule {rule.label}: {err}')
                        continue
                    chosen = chosen or open_
                    labels.append(rule.label)
                    states[following] = None
            if applied:
                break
        return Following(tuple(states), tuple(labels), tuple(ended), chosen)

    def _candidates(self, heads: Mapping[str | None, list[Rule]], state: Term) -> Iterable[Rule]:
        """The rules that may apply, by the first symbol in the `<k>` cell."""
        head = self.definition.head(state)
        if head is None or self._is_unsure(head):
            return [rule for rules in heads.values() for rule in rules]
        return [*heads.get(head, ()), *heads.get(None, ())]

    def _is_unsure(self, head: str) -> bool:
        """Whether a symbol at the head of a cell may be another one's instance."""
        definition = self.definition
        return head in definition.overloads or head in definition.greater or is_function(definition, App(head, (), ()))

    def _applications(self, rule: Rule, state: Term) -> Iterator[Substitution]:
        unknown: Undecided | None = None
        for found in self.evaluator.matcher.matches([(rule.left, state)]):
            try:
                if self.evaluator.all_hold(rule.requires, found):
                    yield found
            except Undecided as err:
                unknown = err
        if unknown is not None:
            raise Undecided(f'rule {rule.label}: {unknown}')

    def _right(self, rule: Rule, found: Substitution) -> tuple[Term, bool]:
        """The state that a rule leads to, and whether something of it was chosen. Raises `NoValue`."""
        if not rule.exists:
            value = self.evaluator.value(rule.right, found)
            if not self.evaluator.all_hold(rule.ensures, found):
                raise NoValue('what it ensures is false')
            return value, False
        for _ in range(_CHOICES):
            more = {**found, **{variable.name: self._some(variable) for variable in rule.exists}}
            try:
                value = self.evaluator.value(rule.right, more)
                if self.evaluator.all_hold(rule.ensures, more):
                    return value, True
            except NoValue:
                continue
        raise Undecided(f'rule {rule.label}: no value for what it leaves open')

    def _some(self, variable: Var) -> Term:
        if self._choose is None:
            raise Undecided('a rule leaves a variable open')
        return self._choose(variable.sort)


def _candidates(variable: Var) -> tuple[Term, ...]:
    """A few values that a variable may have."""
    if variable.sort == BOOL:
        return (TRUE, FALSE)
    return tuple(map(integer, range(-3, 4))) if variable.sort == INT else ()


def _equations(predicate: Term, definition: Definition) -> Iterator[tuple[Term, Term]]:
    """The sides of a predicate that says that two terms are equal, each way."""
    if not isinstance(predicate, App) or predicate.name != '\\equals':
        return
    left, right = predicate.args
    for one, other in ((left, right), (right, left)):
        if one != TRUE:
            continue
        symbol = definition.symbols.get(other.name) if isinstance(other, App) else None
        if symbol is not None and symbol.hook in ('INT.eq', 'KEQUAL.eq', 'BOOL.eq', 'STRING.eq'):
            assert isinstance(other, App)
            left, right = other.args
            break
    yield left, right
    yield right, left


def unbound(terms: Iterable[Term], given: Mapping[str, Term]) -> list[Var]:
    """The variables of some patterns that have no value yet, once each, in the order of their names."""
    open_ = (term for term in terms if not names(term) <= given.keys())
    found = {variable.name: variable for term in open_ for variable in variables(term) if variable.name not in given}
    return [found[name] for name in sorted(found)]
