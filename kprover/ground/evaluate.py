"""The value of a ground term, innermost first.

One application at a time, to arguments that have been evaluated: an argument without a value is met before a function
can drop it, also in the body of an equation. What no equation and no hook decides is, for a partial function, no value
if equations define it, for a total one a value that is not known. Whoever makes an `Evaluator` may give it a way to ask
for builtin functions that are not known here; it is asked with evaluated arguments only.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from . import hooks
from .matching import Matcher, injected
from .terms import (
    FALSE,
    INJ,
    TRUE,
    App,
    ListValue,
    MapValue,
    NoValue,
    SetValue,
    Undecided,
    Var,
    boolean,
    is_opaque,
    subterms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Final

    from .definition import Collection, Definition, Equation, Symbol
    from .terms import Term

FUEL: Final = 200_000
"""Applications of functions that one question may take."""

_CACHE: Final = 50_000
_SHORT_CIRCUIT: Final = ('BOOL.andThen', 'BOOL.orElse', 'KEQUAL.ite')


class DependsOnReading(Undecided):
    """An arm that is not taken has no value: none by the letter of matching logic, `value` to most implementations."""

    def __init__(self, value: Term):
        super().__init__('an arm that is not taken has no value')
        self.value = value


class Evaluator:
    """Evaluates over one definition; for one thread.

    Attributes:
        fuel: Applications of functions that are left; whoever asks a question sets it.
    """

    fuel: int

    def __init__(self, definition: Definition, ask: Callable[[App], Term | None] | None = None):
        """
        Args:
            ask: Gives what another program makes of an application to values, `\\bottom` for no value; None where that
                is not known.
        """
        self.definition = definition
        self.matcher = Matcher(definition, self.value)
        self.fuel = FUEL
        self._ask = ask
        self._known: dict[App, Term | NoValue] = {}

    def value(self, term: Term, substitution: Mapping[str, Term]) -> Term:
        """The value of a pattern whose variables have values.

        Raises:
            NoValue: it has none.
            Undecided: that cannot be told.
        """
        if isinstance(term, Var):
            found = substitution.get(term.name)
            if found is None:
                raise Undecided(f'the variable {term.name} has no value')
            return found
        if not isinstance(term, App):
            return term
        if term.name.startswith('\\'):
            return self._constrained(term, substitution)
        symbol = self.definition.symbols.get(term.name)
        if symbol is not None and symbol.hook in _SHORT_CIRCUIT:
            return self._short_circuit(term, symbol, substitution)
        return self.apply(term.name, term.sorts, tuple([self.value(arg, substitution) for arg in term.args]))

    def apply(self, name: str, sorts: tuple[str, ...], args: tuple[Term, ...]) -> Term:
        """The value of a symbol applied to values. Raises `NoValue`, `Undecided`."""
        if name == INJ:
            return injected(sorts, args[0])
        collection = self.definition.collection_of.get(name)
        if collection is not None:
            return self._collected(collection, name, sorts, args)
        symbol = self.definition.symbols.get(name)
        if symbol is None:
            raise Undecided(f'the symbol {name} is not one of the definition')
        equations = self.definition.equations.get(name, ())
        if not symbol.function and not equations:
            return self._constructed(name, sorts, args)
        application = App(name, sorts, args, True)
        known = self._known.get(application)
        if known is None:
            try:
                known = self._called(symbol, application, equations)
            except NoValue as err:
                known = NoValue(str(err))
            if len(self._known) >= _CACHE:
                self._known.clear()
            self._known[application] = known
        if isinstance(known, NoValue):
            raise NoValue(str(known))
        return known

    def holds(self, predicate: Term, substitution: Mapping[str, Term]) -> bool:
        """Whether a predicate about values is true. Raises `Undecided`."""
        if not isinstance(predicate, App):
            raise Undecided('a predicate that is none')
        match predicate.name:
            case '\\top':
                return True
            case '\\bottom':
                return False
            case '\\and':
                return self._all(predicate.args, substitution)
            case '\\or':
                return not self._all([_negation(arg) for arg in predicate.args], substitution)
            case '\\not':
                return not self.holds(predicate.args[0], substitution)
            case '\\implies':
                left, right = predicate.args
                return not self._all([left, _negation(right)], substitution)
            case '\\iff':
                left, right = predicate.args
                return self.holds(left, substitution) == self.holds(right, substitution)
            case '\\equals':
                return self._equal(predicate.args[0], predicate.args[1], substitution)
            case '\\ceil':
                return self._optional(predicate.args[0], substitution) is not None
            case '\\in':
                return self._in(predicate, substitution)
        raise Undecided(f'the predicate {predicate.name}')

    def all_hold(self, predicates: Iterable[Term], substitution: Mapping[str, Term]) -> bool:
        """Whether all predicates are true; one that is false is enough to tell. Raises `Undecided`."""
        return self._all(predicates, substitution)

    def _all(self, predicates: Iterable[Term], substitution: Mapping[str, Term]) -> bool:
        unknown: Undecided | None = None
        for predicate in predicates:
            try:
                if not self.holds(predicate, substitution):
                    return False
            except Undecided as err:
                unknown = err
        if unknown is not None:
            raise unknown
        return True

    def _equal(self, left: Term, right: Term, substitution: Mapping[str, Term]) -> bool:
        sides: list[Term | None] = []
        lenient: list[Term | None] = []
        for side in (left, right):
            try:
                value = self._optional(side, substitution)
            except DependsOnReading as err:
                lenient.append(err.value)
                sides.append(None)
            else:
                lenient.append(value)
                sides.append(value)
        answers = {self._same_sides(*sides), self._same_sides(*lenient)}
        if len(answers) > 1:
            raise Undecided('an arm that is not taken has no value')
        return answers.pop()

    def _same_sides(self, left: Term | None, right: Term | None) -> bool:
        if left is None or right is None:
            return left is right
        return self.matcher.same(left, right)

    def _in(self, predicate: App, substitution: Mapping[str, Term]) -> bool:
        value = self._optional(predicate.args[0], substitution)
        if value is None:
            return False
        return any(True for _ in self.matcher.matches([(predicate.args[1], value)], substitution))

    def _optional(self, term: Term, substitution: Mapping[str, Term]) -> Term | None:
        try:
            return self.value(term, substitution)
        except NoValue:
            return None

    def _constrained(self, term: App, substitution: Mapping[str, Term]) -> Term:
        """A term beside predicates: its value where they hold."""
        if term.name == '\\bottom':
            raise NoValue('it is bottom')
        if term.name != '\\and':
            raise Undecided(f'the connective {term.name} in a term')
        parts = [arg for arg in term.args if not (isinstance(arg, App) and arg.name.startswith('\\'))]
        predicates = [arg for arg in term.args if isinstance(arg, App) and arg.name.startswith('\\')]
        if len(parts) != 1:
            raise Undecided('a conjunction of terms')
        if not self._all(predicates, substitution):
            raise NoValue('its condition is false')
        return self.value(parts[0], substitution)

    def _short_circuit(self, term: App, symbol: Symbol, substitution: Mapping[str, Term]) -> Term:
        """A function that most implementations do not ask for all of its arguments."""
        condition = self.value(term.args[0], substitution)
        arms = [self._optional(arg, substitution) for arg in term.args[1:]]
        if all(arm is not None for arm in arms):
            return self.apply(term.name, term.sorts, (condition, *(arm for arm in arms if arm is not None)))
        if is_opaque(condition):
            raise Undecided('an arm that may not be taken has no value')
        if symbol.hook == 'KEQUAL.ite':
            taken = arms[0] if condition == TRUE else arms[1]
        else:
            decided = FALSE if symbol.hook == 'BOOL.andThen' else TRUE
            taken = condition if condition == decided else arms[0]
        if taken is None:
            raise NoValue('the arm that is taken has no value')
        raise DependsOnReading(taken)

    def _collected(self, collection: Collection, name: str, sorts: tuple[str, ...], args: tuple[Term, ...]) -> Term:
        sort = collection.sort
        if collection.kind == 'list':
            if name == collection.unit:
                return ListValue(sort, ())
            if name == collection.element:
                return ListValue(sort, args)
            left, right = args
            if isinstance(left, ListValue) and isinstance(right, ListValue):
                return ListValue(sort, left.items + right.items)
        elif collection.kind == 'set':
            if name == collection.unit:
                return SetValue(sort, ())
            if name == collection.element:
                return SetValue(sort, args)
            left, right = args
            if isinstance(left, SetValue) and isinstance(right, SetValue):
                if left.items & right.items or left.opaque or right.opaque:
                    raise Undecided('sets that are joined have items in common')
                return SetValue(sort, left.items | right.items)
        else:
            if name == collection.unit:
                return MapValue(sort, {})
            if name == collection.element:
                return MapValue(sort, {args[0]: args[1]})
            left, right = args
            if isinstance(left, MapValue) and isinstance(right, MapValue):
                if left.items.keys() & right.items.keys():
                    raise NoValue('maps that are joined have a key in common')
                if left.items and right.items and any(map(is_opaque, (*left.items, *right.items))):
                    raise Undecided('whether maps that are joined have a key in common is not known')
                return MapValue(sort, {**left.items, **right.items})
        raise Undecided(f'{name} of what is not known')

    def _constructed(self, name: str, sorts: tuple[str, ...], args: tuple[Term, ...]) -> Term:
        term = App(name, sorts, args, any(map(is_opaque, args)))
        for equation in self.definition.overloads.get(name, ()):
            for found in self.matcher.matches(list(zip(equation.args, args, strict=True))):
                return self.value(equation.right, found)
        return term

    def _called(self, symbol: Symbol, application: App, equations: Sequence[Equation]) -> Term:
        self.fuel -= 1
        if self.fuel < 0:
            raise Undecided('evaluation does not end within its bound')
        args = application.args
        if symbol.hook:
            _, sort = symbol.at(application.sorts)
            try:
                value = hooks.call(symbol.hook, self.definition, self.matcher.same, sort, args)
            except hooks.NotKnown:
                return self._unknown(symbol, application)
            if value is not None:
                return value
            if all(equation.simplification for equation in equations):
                return self._asked(symbol, application)
        return self._by_equations(symbol, application, equations)

    def _by_equations(self, symbol: Symbol, application: App, equations: Sequence[Equation]) -> Term:
        for _, group in groupby(equations, key=lambda equation: equation.priority):
            unknown: Undecided | None = None
            for equation in group:
                try:
                    found = self._applies(equation, application)
                except Undecided as err:
                    unknown = err
                    continue
                if found is not None:
                    return self._result(symbol, application, equation, found)
            if unknown is not None:
                raise unknown
        if not symbol.function:
            return self._constructed(application.name, application.sorts, application.args)
        if symbol.total:
            return application
        if symbol.name not in self.definition.unread and any(not one.simplification for one in equations):
            raise NoValue(f'no equation of {symbol.name} applies')
        raise Undecided(f'nothing defines {symbol.name}')

    def _applies(self, equation: Equation, application: App) -> dict[str, Term] | None:
        pairs = list(zip(equation.args, application.args, strict=True))
        unknown: Undecided | None = None
        for found in self.matcher.matches(pairs):
            try:
                if self._all(equation.requires, found):
                    return found
            except Undecided as err:
                unknown = err
        if unknown is not None:
            raise unknown
        return None

    def _result(self, symbol: Symbol, application: App, equation: Equation, found: Mapping[str, Term]) -> Term:
        try:
            value = self.value(equation.right, found)
            if not self._all(equation.ensures, found):
                raise NoValue(f'what an equation of {symbol.name} ensures is false')
        except NoValue:
            if symbol.total:  # the declaration promises a value, and does not say which
                return application
            raise
        return value

    def _unknown(self, symbol: Symbol, application: App) -> Term:
        if symbol.total:
            return application
        raise Undecided(f'{symbol.name} of what is not known')

    def _asked(self, symbol: Symbol, application: App) -> Term:
        if any(map(is_opaque, application.args)):
            return self._unknown(symbol, application)
        answer = None if self._ask is None else self._ask(application)
        if answer is None:
            return self._unknown(symbol, application)
        if isinstance(answer, App) and answer.name == '\\bottom':
            if symbol.total:  # whoever says so contradicts the declaration
                return application
            raise NoValue(f'{symbol.name} has no value')
        for part in subterms(answer):
            if isinstance(part, Var) or (isinstance(part, App) and part.name.startswith('\\')):
                return self._unknown(symbol, application)
            if isinstance(part, App) and part.name == application.name:
                return self._unknown(symbol, application)
        return self.value(answer, {})


def _negation(predicate: Term) -> App:
    return App('\\not', (), (predicate,))


__all__ = ['DependsOnReading', 'Evaluator', 'boolean']
