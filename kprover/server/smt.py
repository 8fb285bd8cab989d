"""Deciding conjunctions of predicates with z3.

A `Solver` belongs to one thread and one definition; it keeps a bounded cache of answers. The solvers of a thread share
its `Z3Session`; a z3 context must not be used by two threads. `UNSAT` can be relied on. `SAT` says only that nothing
known speaks against it: uninterpreted functions may have values that K does not give them. `UNKNOWN` is z3's, or the
answer of a solver that is switched off.

A conjunction is cut into parts that share neither variables nor uninterpreted symbols. The parts are decided one by
one and cached, so that along an execution only what a new condition touches is asked again.
"""

from __future__ import annotations

from collections import OrderedDict
from ctypes import ArgumentError
from dataclasses import dataclass
from enum import Enum
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, final

from .predicates import And, Exists, Falsity, Forall, Not, Or, conjuncts, free_variables, negate, predicate_terms
from .smt_points import Points
from .symbols import BOOL, INT, Sort, Symbol
from .terms import App, Var, subterms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .budget import Budget
    from .definition import Theory
    from .predicates import Predicate
    from .solver_log import SolverLog

__all__ = ['Model', 'Result', 'SmtOptions', 'Solver', 'Z3Session']

_CACHE_SIZE: Final = 10_000
_CONTEXT_LIMIT: Final = 200_000
"""Queries after which a z3 context is replaced."""

_UNITS_PER_MS: Final = 5_000
"""Units of z3's `rlimit` for a millisecond: about as many as an idle core does in that time."""

_PATIENCE: Final = 20
"""A query is ended after so many times its limit by the clock, should z3 do something that it does not count."""


# Always translated to an operation of z3, never to an uninterpreted function.
_FIXED_HOOKS: Final = frozenset(
    [f'INT.{name}' for name in ('add', 'sub', 'mul', 'lt', 'le', 'gt', 'ge', 'eq', 'ne', 'abs', 'min', 'max', 'not')]
    + [f'BOOL.{name}' for name in ('and', 'andThen', 'or', 'orElse', 'not', 'xor', 'implies', 'eq', 'ne')]
    + ['KEQUAL.eq', 'KEQUAL.ne', 'KEQUAL.ite', 'INT.tdiv', 'INT.tmod', 'INT.ediv', 'INT.emod']
)


class Result(Enum):
    """The answer to a query."""

    SAT = 'sat'
    UNSAT = 'unsat'
    UNKNOWN = 'unknown'


@final
@dataclass(frozen=True)
class SmtOptions:
    """`timeout_ms` for the first try of a query, `retry_limit` more tries, each with twice the time of the last.

    The time is that of an idle core, counted in z3's units of work: what is decided must not depend on how busy the
    machine is. `log` takes down what each query costs.
    """

    timeout_ms: int = 500
    retry_limit: int = 1
    enabled: bool = True
    log: SolverLog | None = None

    def warm_up(self) -> None:
        """Load z3 in the background, which takes a tenth of a second, while the first request is still to come."""
        if self.enabled:
            Thread(target=_import_z3, name='load-z3', daemon=True).start()


def _import_z3() -> None:
    from . import smt_terms  # noqa: F401


@final
@dataclass(frozen=True)
class Model:
    """Values of the Int and Bool variables of a satisfiable conjunction.

    `exact` says that the predicates hold under every completion of these values: nothing in them was abstracted.
    """

    values: dict[Var, int | bool]
    exact: bool


@final
@dataclass(frozen=True)
class _Profile:
    """What connects a predicate with others, and what it quantifies over."""

    links: frozenset[Var | Symbol]
    guards: frozenset[Sort]


@final
class Z3Session:
    """A z3 context with a solver in it, for all solvers of one thread. Not thread-safe.

    z3 never gives back the names it has seen, so the context is replaced after many queries. `generation` counts the
    contexts: what was made in an earlier one is of no use in a later one.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.z3: Any = None
        self.context: Any = None
        self.simple: Any = None
        self._queries = 0

    def start(self) -> None:
        """Have a context ready for one more query."""
        self._queries += 1
        if self.context is None or self._queries > _CONTEXT_LIMIT:
            self.renew()

    def renew(self) -> None:
        """Begin a new context."""
        import z3

        self.z3 = z3
        self.context = z3.Context()
        self.simple = z3.SimpleSolver(ctx=self.context)
        self.generation += 1
        self._queries = 0


@final
class Solver:
    """Decides predicates over the terms of `definition`. Not thread-safe."""

    def __init__(
        self,
        definition: Theory,
        timeout_ms: int = 500,
        retry_limit: int = 1,
        *,
        enabled: bool = True,
        session: Z3Session | None = None,
        log: SolverLog | None = None,
    ) -> None:
        self.definition = definition
        self._timeout_ms = timeout_ms
        self._retry_limit = retry_limit
        self._enabled = enabled
        self._session = session or Z3Session()
        self._log = log
        self._generation = 0
        self._cache: OrderedDict[frozenset[Predicate], Result] = OrderedDict()
        self._profiles: dict[Predicate, _Profile] = {}
        self._lemma_profiles: list[tuple[Predicate, _Profile]] | None = None
        self._translator: Any = None
        self._last: Any = None
        self._points = Points()

    def check(self, predicates: Iterable[Predicate], budget: Budget | None = None) -> Result:
        """Decide whether all of `predicates` can hold together. Raises what `budget.check` raises."""
        wanted: dict[Predicate, None] = {}
        for predicate in predicates:
            for one in conjuncts(predicate):
                if isinstance(one, Falsity):
                    return Result.UNSAT
                wanted[one] = None
        if not wanted:
            return Result.SAT
        if any(isinstance(one, Not) and one.arg in wanted for one in wanted):
            return Result.UNSAT
        if not self._enabled:
            return Result.UNKNOWN
        result = Result.SAT
        for part in self._parts(wanted):
            decided = self._check_part(part, budget)
            if decided is Result.UNSAT:
                return decided
            if decided is Result.UNKNOWN:
                result = decided
        return result

    def implied(self, premises: Sequence[Predicate], goal: Predicate, budget: Budget | None = None) -> bool:
        """Whether `premises` certainly imply `goal`."""
        return all(
            one in premises or self.check((*premises, negate(one)), budget) is Result.UNSAT for one in conjuncts(goal)
        )

    def model(self, predicates: Iterable[Predicate], budget: Budget | None = None) -> Model | Result:
        """Return values that satisfy all of `predicates`, or `UNSAT` or `UNKNOWN`."""
        wanted = list(dict.fromkeys(one for predicate in predicates for one in conjuncts(predicate)))
        if any(isinstance(one, Falsity) for one in wanted):
            return Result.UNSAT
        if not self._enabled:
            return Result.UNKNOWN
        self._start()
        decided = self._decide(wanted, budget)
        if decided is not Result.SAT:
            return decided
        return Model(self._values(wanted), all(map(self._is_exact, wanted)))

    def contradiction(self, budget: Budget | None = None) -> tuple[str, ...]:
        """Return the names of lemmas of the theory that certainly exclude each other: from them everything follows.

        None of them if they do not, and if the solver cannot tell within the limit of one query.
        """
        if not self._enabled or not self.definition.smt_lemmas:
            return ()
        from .smt_terms import TooLarge

        self._start()
        z3, context = self._session.z3, self._session.context
        names: dict[str, str] = {}
        solver = z3.Solver(ctx=context)
        solver.set('rlimit', _UNITS_PER_MS * self._timeout_ms)
        solver.set('timeout', _PATIENCE * self._timeout_ms)
        try:
            for number, (lemma, (_, profile)) in enumerate(
                zip(self.definition.smt_lemmas, self._lemmas(), strict=True)
            ):
                try:
                    formula = self._translator.lemma(lemma.predicate)
                except TooLarge:
                    continue
                mark = f'lemma!{number}'
                names[mark] = lemma.name
                solver.assert_and_track(formula, z3.Bool(mark, context))
                solver.add(self._translator.facts((lemma.predicate,), profile.guards))
                solver.add(self._translator.inhabitants(profile.guards))
            if budget is None:
                answer = solver.check()
            else:
                with budget.interruptible(context.interrupt):
                    answer = solver.check()
                budget.check()
            core = solver.unsat_core() if answer == z3.unsat else ()
        except z3.Z3Exception:
            if budget is not None:
                budget.check()
            self._session.renew()
            return ()
        return tuple(names[one] for one in sorted(map(str, core), key=lambda one: list(names).index(one)))

    # -- cutting into parts -------------------------------------------------------------------------------------------

    def _parts(self, predicates: Iterable[Predicate]) -> list[list[Predicate]]:
        """Group `predicates` into connected parts. All that touches a symbol of a lemma is one part."""
        owner: dict[Any, int] = {}
        parts: dict[int, list[Predicate]] = {}
        lemma_symbols = self._lemma_symbols()
        for number, predicate in enumerate(predicates):
            links: set[Any] = set(self._profile(predicate).links)
            if links & lemma_symbols:
                links.add('lemmas')
            merged = [predicate]
            for index in {owner[link] for link in links if link in owner}:
                merged[:0] = parts.pop(index)
                for link, holder in owner.items():
                    if holder == index:
                        owner[link] = number
            parts[number] = merged
            for link in links:
                owner[link] = number
        return list(parts.values())

    def _profile(self, predicate: Predicate) -> _Profile:
        found = self._profiles.get(predicate)
        if found is None:
            if len(self._profiles) > _CACHE_SIZE:
                self._profiles.clear()
            links: set[Var | Symbol] = set()
            for root in predicate_terms(predicate):
                links |= root.free
                for term in subterms(root):
                    if type(term) is App and not _has_meaning(term.symbol):
                        links.add(term.symbol)
            found = self._profiles[predicate] = _Profile(frozenset(links), frozenset(_guards(predicate)))
        return found

    def _lemma_symbols(self) -> frozenset[Any]:
        return frozenset(link for _, profile in self._lemmas() for link in profile.links)

    def _lemmas(self) -> list[tuple[Predicate, _Profile]]:
        if self._lemma_profiles is None:
            self._lemma_profiles = []
            for lemma in (one.predicate for one in self.definition.smt_lemmas):
                profile = self._profile(lemma)
                symbols = frozenset(link for link in profile.links if isinstance(link, Symbol))
                sorts = {link.sort for link in profile.links if isinstance(link, Var)} - {INT, BOOL}
                self._lemma_profiles.append((lemma, _Profile(symbols, profile.guards | sorts)))
        return self._lemma_profiles

    # -- asking z3 ----------------------------------------------------------------------------------------------------

    def _check_part(self, part: list[Predicate], budget: Budget | None) -> Result:
        key = frozenset(part)
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        if budget is not None:
            budget.check()
        if self._points.satisfy(part):
            result = Result.SAT
        else:
            self._start()
            result = self._decide(part, budget)
            if result is Result.SAT:
                self._points.remember(self._values(part))
        self._cache[key] = result
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return result

    def _start(self) -> None:
        self._session.start()
        if self._generation != self._session.generation:
            from .smt_terms import Translator

            self._translator = Translator(self.definition, self._session.context)
            self._generation = self._session.generation

    def _decide(self, predicates: list[Predicate], budget: Budget | None) -> Result:
        from .smt_terms import TooLarge

        z3 = self._session.z3
        complete = True
        used: list[Predicate] = []
        formulas: list[Any] = []
        guards: set[Sort] = set()
        try:
            for predicate in predicates:
                try:
                    formulas.append(self._translator.predicate(predicate))
                except TooLarge:
                    complete = False
                    continue
                used.append(predicate)
                guards |= self._profile(predicate).guards
            for lemma, profile in self._relevant(used):
                try:
                    formulas.append(self._translator.lemma(lemma))
                except TooLarge:
                    continue
                used.append(lemma)
                guards |= profile.guards
            formulas.extend(self._translator.facts(used, frozenset(guards)))
            began = perf_counter()
            result = self._ask(formulas, budget, quantified=bool(guards))
            if self._log is not None:
                self._record(result, perf_counter() - began, guards, used)
        except ArgumentError as err:
            # The overflow of a stack that deep evaluation has filled, as ctypes reports it.
            self._session.renew()
            raise RecursionError(str(err)) from err
        except z3.Z3Exception:
            # Out of memory, or interrupted at a place where z3 cannot answer.
            if budget is not None:
                budget.check()
            self._session.renew()
            return Result.UNKNOWN
        return result if complete or result is Result.UNSAT else Result.UNKNOWN

    def _record(self, result: Result, seconds: float, guards: set[Sort], query: list[Predicate]) -> None:
        assert self._log is not None
        statistics = self._last.statistics()
        units = statistics.get_key_value('rlimit count') if 'rlimit count' in statistics.keys() else 0  # noqa: SIM118
        names = sorted(one.name for one in guards)
        self._log.record(result=result.value, seconds=seconds, units=units, quantified=names, query=query)

    def _relevant(self, predicates: list[Predicate]) -> list[tuple[Predicate, _Profile]]:
        """Return the lemmas that speak of symbols of `predicates`, or of symbols of such lemmas."""
        if not self._lemmas():
            return []
        symbols = {link for one in predicates for link in self._profile(one).links if isinstance(link, Symbol)}
        waiting = self._lemmas()
        chosen: list[tuple[Predicate, _Profile]] = []
        while True:
            near = [entry for entry in waiting if not entry[1].links or entry[1].links & symbols]
            if not near:
                return chosen
            chosen.extend(near)
            waiting = [entry for entry in waiting if entry not in near]
            for _, profile in near:
                symbols |= {link for link in profile.links if isinstance(link, Symbol)}

    def _ask(self, formulas: list[Any], budget: Budget | None, *, quantified: bool) -> Result:
        """Ask z3 about formulas; `quantified` says that they quantify over sorts of which z3 knows no values.

        Such formulas are refuted by instances for the terms that occur, or not at all: z3's search for a model of the
        others does not end within any limit, as it is not counted in units of work.
        """
        timeout = self._timeout_ms
        for attempt in range(1 if quantified else self._retry_limit + 1):
            if attempt == 0:
                solver = self._session.simple
                solver.reset()
            else:
                # The core has not been able to decide it: let z3 choose a strategy for the kind of formula.
                solver = self._session.z3.Solver(ctx=self._session.context)
            remaining = None if budget is None else budget.remaining
            limit = _PATIENCE * timeout
            solver.set('mbqi', not quantified)
            solver.set('rlimit', _UNITS_PER_MS * timeout)
            solver.set('timeout', limit if remaining is None else max(1, min(limit, int(remaining * 1000))))
            solver.add(formulas)
            if budget is None:
                answer = solver.check()
            else:
                with budget.interruptible(self._session.context.interrupt):
                    answer = solver.check()
                budget.check()
            self._last = solver
            if answer == self._session.z3.sat:
                return Result.SAT
            if answer == self._session.z3.unsat:
                return Result.UNSAT
            timeout *= 2
        return Result.UNKNOWN

    # -- models -------------------------------------------------------------------------------------------------------

    def _values(self, predicates: Iterable[Predicate]) -> dict[Var, int | bool]:
        """Return the values that the last answer gives to the Int and Bool variables of `predicates`."""
        z3 = self._session.z3
        model = self._last.model()
        values: dict[Var, int | bool] = {}
        for variable in frozenset().union(*map(free_variables, predicates)):
            if variable.sort is INT or variable.sort is BOOL:
                value = model.eval(self._translator.variable(variable), model_completion=True)
                values[variable] = value.as_long() if z3.is_int_value(value) else bool(z3.is_true(value))
        return values

    def _is_exact(self, predicate: Predicate) -> bool:
        """Whether the formula of `predicate` says what the predicate says: nothing in it was abstracted."""
        if _quantified(predicate):
            return False
        for root in predicate_terms(predicate):
            if root.sort is not INT and root.sort is not BOOL:
                return False
            for term in subterms(root):
                if isinstance(term, App) and not self._translator.is_interpreted(term):
                    return False
        return True


def _has_meaning(symbol: Symbol) -> bool:
    """Whether `symbol` means the same in every model, so that it does not connect the predicates it occurs in."""
    return symbol.attributes.constructor or symbol.attributes.hook in _FIXED_HOOKS


def _quantified(predicate: Predicate) -> bool:
    if isinstance(predicate, (Exists, Forall)):
        return True
    if isinstance(predicate, Not):
        return _quantified(predicate.arg)
    return isinstance(predicate, (And, Or)) and any(map(_quantified, predicate.args))


def _guards(predicate: Predicate) -> set[Sort]:
    """Return the sorts other than Int and Bool that `predicate` quantifies over."""
    if isinstance(predicate, (Exists, Forall)):
        return _guards(predicate.body) | ({predicate.variable.sort} - {INT, BOOL})
    if isinstance(predicate, Not):
        return _guards(predicate.arg)
    if isinstance(predicate, (And, Or)):
        return set().union(*map(_guards, predicate.args))
    return set()
