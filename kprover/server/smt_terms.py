"""From the server's terms and predicates to z3's.

Sound for unsatisfiability: every instance of the predicates that K's semantics admits is a model of the translation, so
what z3 refutes is refuted. Nothing is assumed the other way round.

* Int and Bool are z3's. All other sorts share one uninterpreted sort; an injection into one of them is the identity,
  and boxes an Int or a Bool. Hooked arithmetic is translated by its hook, not by its `smt-hook` attribute: K's `/Int`
  truncates, whatever the attribute says. Other functions are uninterpreted (equal arguments give equal values).
* Constructors, boxes and domain values are kept apart and injective by facts about the terms that occur: `tag` gives
  each kind of term its number, a projection gives back each argument. Overloaded constructors share theirs.
* A term may be undefined. Its z3 value is then arbitrary and `defined` says under which condition it has a meaning;
  predicates are translated with that condition wherever it is not certain.
* A quantifier over an uninterpreted sort is guarded by membership in the K sort.

Owned by one solver and one thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import z3

from .hooks.equality import has_canonical_literals, is_free_constructor
from .predicates import And, Ceil, Equal, Exists, Falsity, Forall, Not, Or, Truth, Verity, predicate_terms
from .smt_hooks import BOUNDS, HOOKS, PARTIAL_BOUNDS, UNDECIDED, parse_template
from .symbols import BOOL, INT, Sort, Symbol
from .terms import DV, App, Inj, KList, KMap, KSet, Term, Var, children, subterms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .definition import Theory
    from .predicates import Predicate
    from .smt_hooks import HookTranslation

__all__ = ['MAX_NODES', 'TooLarge', 'Translator']

MAX_NODES: Final = 50_000
"""Distinct subterms of a predicate, at most; larger ones are left out of a query, which proves less."""

_MEMO_LIMIT: Final = 100_000


class TooLarge(Exception):
    """A predicate exceeds `MAX_NODES`, or has a term of which nothing can be said: it is left out of the query."""


@final
class Translator:
    """Translates into one z3 context, remembering what it has done."""

    def __init__(self, definition: Theory, context: z3.Context) -> None:
        self._definition = definition
        self._context = context
        self._int = z3.IntSort(context)
        self._bool = z3.BoolSort(context)
        self._universe = z3.DeclareSort('U', context)
        self._tag = z3.Function('tag', self._universe, self._int)
        self._true = z3.BoolVal(True, context)
        self._tags: dict[Any, int] = {}
        self._order: dict[Term, int] = {}
        self._functions: dict[Any, z3.FuncDeclRef] = {}
        self._hooks: dict[Symbol, HookTranslation | None] = {}
        self._boxed_apart = {
            sort: not any(below is not sort for below in definition.subsorts(sort)) for sort in (INT, BOOL)
        }
        self._values: dict[Term, z3.ExprRef] = {}
        self._defined: dict[Term, z3.BoolRef] = {}
        self._facts: dict[Term, tuple[z3.BoolRef, ...]] = {}
        self._predicates: dict[Predicate, z3.BoolRef] = {}
        self._opaque: set[Term] = set()

    def predicate(self, predicate: Predicate) -> z3.BoolRef:
        """Return the formula of `predicate`. Raises `TooLarge`."""
        found = self._predicates.get(predicate)
        if found is None:
            if len(self._predicates) > _MEMO_LIMIT or len(self._values) > _MEMO_LIMIT:
                self._forget()
            self._prepare(predicate)
            found = self._predicates[predicate] = self._predicate(predicate)
        return found

    def lemma(self, predicate: Predicate) -> z3.BoolRef:
        """Return `predicate` with its free variables universally quantified."""
        for term in predicate_terms(predicate):
            for variable in term.free:
                predicate = predicate if _binds(predicate, variable) else Forall(variable, predicate)
        return self.predicate(predicate)

    def facts(self, predicates: Iterable[Predicate], guards: frozenset[Sort]) -> list[z3.BoolRef]:
        """Return what is known of the terms in `predicates`: how their kinds differ, how their values are bounded, and
        which of the sorts `guards` they belong to. The predicates must have been translated."""
        found: dict[Term, None] = {}
        for predicate in predicates:
            for root in predicate_terms(predicate):
                found.update(dict.fromkeys(subterms(root)))
        result: list[z3.BoolRef] = []
        for term in found:
            result.extend(self._facts_of(term))
            if guards and type(term) is not Inj and term.sort is not INT and term.sort is not BOOL:
                result.extend(
                    self._member(sort, self._values[term])
                    for sort in guards
                    if term in self._values and self._definition.subsort(term.sort, sort)
                )
        return result

    def inhabitants(self, guards: Iterable[Sort]) -> list[z3.BoolRef]:
        """Return that each of the sorts has a value."""
        return [self._member(sort, z3.FreshConst(self._universe, 'some')) for sort in guards]

    def variable(self, variable: Var) -> z3.ExprRef:
        """Return the constant that stands for `variable`."""
        return z3.Const(f'v!{variable.name}!{variable.sort!r}', self._sort(variable.sort))

    def is_interpreted(self, term: App) -> bool:
        """Whether z3 knows the meaning of the application, or nobody does: a function without a hook, declared to
        SMT."""
        if self._hook(term.symbol) is not None:
            return term not in self._opaque
        attributes = term.symbol.attributes
        return bool(attributes.smtlib) and not attributes.hook

    def _forget(self) -> None:
        self._values.clear()
        self._defined.clear()
        self._facts.clear()
        self._predicates.clear()
        self._order.clear()
        self._opaque.clear()

    # -- predicates ---------------------------------------------------------------------------------------------------

    def _prepare(self, predicate: Predicate) -> None:
        """Translate all terms of `predicate`, innermost first, so that nothing below recurses into terms."""
        seen: set[Term] = set()
        for root in predicate_terms(predicate):
            stack: list[tuple[Term, bool]] = [(root, False)]
            while stack:
                term, ready = stack.pop()
                if ready:
                    self._values[term] = self._value(term)
                    if not term.defined:
                        self._defined[term] = self._definedness(term)
                elif term not in seen:
                    seen.add(term)
                    if len(seen) > MAX_NODES:
                        raise TooLarge
                    if term not in self._values or not (term.defined or term in self._defined):
                        stack.append((term, True))
                        stack.extend((child, False) for child in children(term))

    def _predicate(self, predicate: Predicate) -> z3.BoolRef:
        if isinstance(predicate, Verity):
            return self._true
        if isinstance(predicate, Falsity):
            return z3.BoolVal(False, self._context)
        if isinstance(predicate, Truth):
            return self._conjunction([*self._conditions(predicate.term), self._values[predicate.term]])
        if isinstance(predicate, Ceil):
            return self._conjunction(self._conditions(predicate.term))
        if isinstance(predicate, Equal):
            left, right = predicate.left, predicate.right
            same = self._values[left] == self._values[right]
            if left.defined and right.defined:
                return same
            left_defined = self._conjunction(self._conditions(left))
            right_defined = self._conjunction(self._conditions(right))
            return z3.And(left_defined == right_defined, z3.Implies(left_defined, same))
        if isinstance(predicate, Not):
            return z3.Not(self._predicate(predicate.arg))
        if isinstance(predicate, And):
            return z3.And([self._predicate(one) for one in predicate.args])
        if isinstance(predicate, Or):
            return z3.Or([self._predicate(one) for one in predicate.args])
        variable = self.variable(predicate.variable)
        body = self._predicate(predicate.body)
        guarded = self._sort(predicate.variable.sort) == self._universe
        member = self._member(predicate.variable.sort, variable) if guarded else self._true
        if isinstance(predicate, Exists):
            return z3.Exists([variable], z3.And(member, body) if guarded else body)
        return z3.ForAll([variable], z3.Implies(member, body) if guarded else body)

    def _conjunction(self, parts: list[Any]) -> z3.BoolRef:
        if not parts:
            return self._true
        return parts[0] if len(parts) == 1 else z3.And(parts)

    def _conditions(self, term: Term) -> list[Any]:
        return [] if term.defined else [self._defined[term]]

    def _member(self, sort: Sort, value: z3.ExprRef) -> z3.BoolRef:
        return self._function(('member', sort), (self._universe,), self._bool)(value)

    # -- terms --------------------------------------------------------------------------------------------------------

    def _sort(self, sort: Sort) -> z3.SortRef:
        return self._int if sort is INT else self._bool if sort is BOOL else self._universe

    def _function(self, key: Any, arguments: tuple[Any, ...], result: Any) -> z3.FuncDeclRef:
        found = self._functions.get(key)
        if found is None:
            name = f'f{len(self._functions)}'
            found = self._functions[key] = z3.Function(name, *arguments, result)
        return found

    def _hook(self, symbol: Symbol) -> HookTranslation | None:
        try:
            return self._hooks[symbol]
        except KeyError:
            pass
        attributes = symbol.attributes
        found = HOOKS.get(attributes.hook)
        if found is None and attributes.smt_hook and not attributes.hook:
            found = parse_template(attributes.smt_hook, len(symbol.arg_sorts), total=attributes.total)
        if found is not None and not found.fits(symbol.arg_sorts, symbol.result):
            found = None
        self._hooks[symbol] = found
        return found

    def _value(self, term: Term) -> z3.ExprRef:
        if isinstance(term, DV):
            if term.sort is INT:
                return z3.IntVal(term.value, self._context)
            if term.sort is BOOL:
                return z3.BoolVal(term.value, self._context)
            return self._function(('value', term.sort, term.value), (), self._universe)()
        if isinstance(term, Var):
            return self.variable(term)
        if isinstance(term, Inj):
            return self._injection(term)
        if isinstance(term, App):
            return self._application(term)
        return self._collection(term)

    def _injection(self, term: Inj) -> z3.ExprRef:
        inner = self._values[term.inner]
        source, target = self._sort(term.inner.sort), self._sort(term.sort)
        if source == self._universe and target == self._universe and term.sort.name != 'SortK':
            return inner
        if source == target and source != self._universe:
            return inner
        return self._function(('inj', term.inner.sort, term.sort.name == 'SortK', target), (source,), target)(inner)

    def _application(self, term: App) -> z3.ExprRef:
        symbol = term.symbol
        if symbol.attributes.impure:
            # Nothing is known of its value, not even that equal arguments give equal ones.
            raise TooLarge
        values = tuple(self._values[arg] for arg in term.args)
        hook = self._hook(symbol)
        built = condition = None
        if hook is not None:
            built = hook.build(values)
            condition = hook.condition(values) if symbol.total else None
            if built is not None and condition is None:
                return built
            self._opaque.add(term)
        sorts = tuple(self._sort(arg.sort) for arg in term.args)
        unknown = self._function(symbol, sorts, self._sort(term.sort))(*values)
        if built is None or condition is UNDECIDED:
            return unknown
        # Declared total, and the hook does not say what its value is outside of the condition.
        return z3.If(condition, built, unknown)

    def _collection(self, term: Term) -> z3.ExprRef:
        universe = self._universe
        parts: list[z3.ExprRef] = []
        if isinstance(term, KMap):
            for key in self._ordered(term.index):
                value = term.index[key]
                sorts = (self._sort(key.sort), self._sort(value.sort))
                element = self._function(('map item', term.sort, *map(str, sorts)), sorts, universe)
                parts.append(element(self._values[key], self._values[value]))
            parts.extend(self._values[rest] for rest in self._ordered(term.rest))
        elif isinstance(term, KSet):
            for item in self._ordered(term.elements):
                sort = self._sort(item.sort)
                element = self._function(('set item', term.sort, str(sort)), (sort,), universe)
                parts.append(element(self._values[item]))
            parts.extend(self._values[rest] for rest in self._ordered(term.rest))
        elif isinstance(term, KList):
            for is_item, member in term.segments:
                sort = self._sort(member.sort)
                element = self._function(('list item', term.sort, str(sort)), (sort,), universe)
                parts.append(element(self._values[member]) if is_item else self._values[member])
        join = self._function(('join', term.sort), (universe, universe), universe)
        result = self._function(('unit', term.sort), (), universe)()
        for part in reversed(parts):
            result = join(part, result)
        return result

    def _ordered(self, terms: Iterable[Term]) -> list[Term]:
        """Order `terms` in the same way each time, so that equal keys meet in equal places."""
        order = self._order
        return sorted(terms, key=lambda term: order.setdefault(term, len(order)))

    def _definedness(self, term: Term) -> z3.BoolRef:
        parts: list[Any] = []
        if isinstance(term, App):
            parts = self._arguments_defined(term)
            symbol = term.symbol
            hook = self._hook(symbol)
            values = tuple(self._values[arg] for arg in term.args)
            # What is declared total has a value wherever its arguments have one, whatever its hook says.
            condition = None if symbol.total else UNDECIDED if hook is None else hook.condition(values)
            if condition is UNDECIDED:
                sorts = tuple(self._sort(arg.sort) for arg in term.args)
                condition = self._function(('defined', symbol), sorts, self._bool)(*values)
            if condition is not None:
                parts.append(condition)
        elif isinstance(term, Inj):
            parts = [self._defined[term.inner]]
        else:
            parts = [condition for part in children(term) for condition in self._conditions(part)]
            if isinstance(term, (KMap, KSet)):
                parts.append(self._without_doubles(term))
        return self._conjunction(parts)

    def _without_doubles(self, term: KMap | KSet) -> z3.BoolRef:
        """Return that no key occurs twice: nothing is known of it, but that it depends on keys and opaque parts."""
        keys = tuple(term.index) if isinstance(term, KMap) else term.elements
        related = [*self._ordered(keys), *self._ordered(term.rest)]
        sorts = tuple(self._sort(part.sort) for part in related)
        name = ('no doubles', term.sort, len(keys), tuple(map(str, sorts)))
        return self._function(name, sorts, self._bool)(*(self._values[part] for part in related))

    def _arguments_defined(self, term: App) -> list[Any]:
        """Return the conditions under which the arguments are defined: every symbol is strict."""
        return [condition for arg in term.args for condition in self._conditions(arg)]

    def _facts_of(self, term: Term) -> tuple[z3.BoolRef, ...]:
        found = self._facts.get(term)
        if found is not None:
            return found
        if term not in self._values:
            return ()
        value = self._values[term]
        facts: list[z3.BoolRef] = []
        if isinstance(term, DV) and term.sort is not INT and term.sort is not BOOL:
            kind = self._function(('value of', term.sort), (self._universe,), self._int)
            if has_canonical_literals(term.sort):
                facts.append(kind(value) == self._number(('value', term.sort, term.value)))
            facts.append(self._tag(value) == self._number('domain value'))
        elif isinstance(term, Inj) and term.inner.sort in self._boxed_apart and self._sort(term.sort) == self._universe:
            source = term.inner.sort
            unbox = self._function(('unbox', source, term.sort.name == 'SortK'), (self._universe,), self._sort(source))
            facts.append(unbox(value) == self._values[term.inner])
            if self._boxed_apart[source] and term.sort.name != 'SortK':
                facts.append(self._tag(value) == self._number(('box', source)))
        elif isinstance(term, App) and term.sort is INT and (self._hook(term.symbol) is None or term in self._opaque):
            hook = term.symbol.attributes.hook
            bounds = BOUNDS.get(hook)
            if bounds is not None and not (term.symbol.total and hook in PARTIAL_BOUNDS):
                facts.append(bounds(value, *(self._values[arg] for arg in term.args)))
        elif isinstance(term, App) and is_free_constructor(term.symbol) and self._sort(term.sort) == self._universe:
            # Constructors that overloads connect share number and projections, for they build the same values.
            family = term.symbol.family
            facts.append(self._tag(value) == self._number(family))
            for position, arg in enumerate(term.args):
                if not self._has_one_image(term.symbol, position):
                    continue
                key = ('argument', family, position, str(self._sort(arg.sort)))
                projection = self._function(key, (self._universe,), self._sort(arg.sort))
                facts.append(projection(value) == self._values[arg])
        result = tuple(facts)
        self._facts[term] = result
        return result

    def _has_one_image(self, symbol: Symbol, position: int) -> bool:
        """Whether an argument of a constructor is the same to z3 as that of each constructor that builds its values."""
        sorts = {symbol.arg_sorts[position], *(one.arg_sorts[position] for one in symbol.relatives)}
        return len(sorts) == 1 or all(self._sort(one) == self._universe and one.name != 'SortK' for one in sorts)

    def _number(self, key: Any) -> int:
        return self._tags.setdefault(key, len(self._tags))


def _binds(predicate: Predicate, variable: Var) -> bool:
    return isinstance(predicate, Forall) and (predicate.variable is variable or _binds(predicate.body, variable))
