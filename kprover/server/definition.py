"""The definition: its modules, and the theory in force in each.

`Library` owns the modules: those of the file and those added later; it is the only thing here that changes, under its
own lock. A `Theory` is the closure of one module under imports: a signature and the rules, sorted by what they are for.
It is made on demand and never changes.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, final

from .axioms import read_rules
from .cases import NoJunk
from .declarations import ModuleRecord, declare
from .errors import PatternError, UnknownModule
from .rules import CeilRule, Equation, Lemma, PredicateRule, RewriteRule
from .sentences import AliasDecl
from .signature import Declaration, Signature, SortInfo
from .symbols import Sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .sentences import Module
    from .signature import Collection
    from .symbols import Symbol

__all__ = ['Library', 'Theory']


@final
class Theory:
    """Everything in force in one module: the context that evaluation, matching and rewriting work in."""

    __slots__ = (
        'ceils',
        'compiled',
        'equations',
        'name',
        'predicates',
        'rewrites',
        'signature',
        'simplifications',
        'smt_lemmas',
    )

    def __init__(
        self,
        name: str,
        signature: Signature,
        rewrites: tuple[RewriteRule, ...],
        equations: Mapping[str, tuple[Equation, ...]],
        simplifications: Mapping[str, tuple[Equation, ...]],
        ceils: Mapping[str, tuple[CeilRule, ...]],
        predicates: tuple[PredicateRule, ...],
        smt_lemmas: tuple[Lemma, ...],
    ) -> None:
        self.name = name
        self.signature = signature
        self.rewrites = rewrites
        self.equations = equations
        self.simplifications = simplifications
        self.ceils = ceils
        self.predicates = predicates
        self.smt_lemmas = smt_lemmas
        # Filled by `evaluate.py` and `rewrite.py` with what they compile from the rules.
        self.compiled: dict[str, Any] = {}

    @property
    def equation_key(self) -> tuple[int, ...]:
        """A key that two theories over one signature share if they have the same equations."""
        groups = (*self.equations.values(), *self.simplifications.values())
        return tuple(id(one) for group in groups for one in group)

    # What the hooks and the solver may ask; see hooks/context.py.

    def symbol(self, name: str, sort_args: tuple[Sort, ...] = ()) -> Symbol:
        """See `Signature.symbol`."""
        return self.signature.symbol(name, sort_args)

    def hook_symbol(self, hook: str) -> Symbol | None:
        """See `Signature.hook_symbol`."""
        return self.signature.hook_symbol(hook)

    def subsort(self, lower: Sort, upper: Sort) -> bool:
        """See `Signature.subsort`."""
        return self.signature.subsort(lower, upper)

    def subsorts(self, of: Sort) -> frozenset[Sort]:
        """See `Signature.subsorts`."""
        return self.signature.subsorts(of)

    def supersorts(self, of: Sort) -> frozenset[Sort]:
        """See `Signature.supersorts`."""
        return self.signature.supersorts(of)

    def sorts_disjoint(self, one: Sort, other: Sort) -> bool:
        """See `Signature.sorts_disjoint`."""
        return self.signature.sorts_disjoint(one, other)

    def collection(self, of: Sort) -> Collection | None:
        """See `Signature.collection`."""
        return self.signature.collection(of)


@final
class Library:
    """All modules of a server, by name, and the theories made of them. Safe for use from several threads."""

    def __init__(self, modules: Iterable[Module]) -> None:
        """Raises `PatternError` for an ill-formed declaration, `UnknownModule` for an import that is not there."""
        self._lock = RLock()
        self._records: dict[str, ModuleRecord] = {}
        self._theories: dict[str, Theory] = {}
        self._signatures: dict[tuple[int, ...], Signature] = {}
        for module in modules:
            self.add(module, module.name)

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def add(self, module: Module, name: str) -> None:
        """Add a module under `name`. Its imports must be there already. Raises `PatternError`, `UnknownModule`."""
        with self._lock:
            record = declare(module, name)
            for imported in record.imports:
                if imported.name not in self._records:
                    unknown = UnknownModule(imported.name)
                    unknown.place = imported.place
                    raise unknown
            self._check_late(record)
            self._records[name] = record

    def _check_late(self, record: ModuleRecord) -> None:
        """Raise `PatternError` if a module makes constructors equal that terms were built with before it came."""
        late = {one for pair in record.overloads for one in pair} | record.unfree
        for name in sorted(late - record.symbols.keys()) if self._theories else ():
            if any(name in one.symbols and not one.symbols[name].attributes.function for one in self._records.values()):
                raise PatternError('Expected an added module to leave constructors of the definition different', [name])

    def remove(self, name: str) -> None:
        """Take back a module that turned out to be ill-formed."""
        with self._lock:
            self._records.pop(name, None)
            self._theories.pop(name, None)

    def alias(self, name: str, other: str) -> None:
        """Let `name` mean the module `other` too."""
        with self._lock:
            self._records[name] = self._records[other]
            if other in self._theories:
                self._theories[name] = self._theories[other]

    def theory(self, name: str) -> Theory:
        """Return the theory of a module. Raises `UnknownModule`, and `PatternError` for an ill-formed axiom."""
        found = self._theories.get(name)
        if found is not None:
            return found
        with self._lock:
            found = self._theories.get(name)
            if found is None:
                if name not in self._records:
                    raise UnknownModule(name)
                found = self._theories[name] = self._make(name)
        return found

    def _closure(self, name: str) -> list[ModuleRecord]:
        """Return the module and all that it imports, imported ones first, each once."""
        ordered: list[ModuleRecord] = []
        seen: set[int] = set()
        stack: list[tuple[ModuleRecord, bool]] = [(self._records[name], False)]
        while stack:
            record, finished = stack.pop()
            if finished:
                ordered.append(record)
                continue
            if id(record) in seen:
                continue
            seen.add(id(record))
            stack.append((record, True))
            stack.extend((self._records[one.name], False) for one in reversed(record.imports))
        return ordered

    def _make(self, name: str) -> Theory:
        records = self._closure(name)
        sorts: dict[str, SortInfo] = {}
        symbols: dict[str, Declaration] = {}
        aliases: dict[str, AliasDecl] = {}
        below: dict[Sort, set[Sort]] = {}
        no_junk: dict[Sort, NoJunk | None] = {}
        for record in records:
            no_junk.update(record.no_junk)
            sorts.update(record.sorts)
            symbols.update(record.symbols)
            aliases.update(record.aliases)
            for lower, upper in record.subsorts:
                below.setdefault(upper, set()).add(lower)
        # Modules that declare nothing share the signature, and with it all code compiled for their rules.
        key = tuple(id(one) for one in records if one.declares)
        signature = self._signatures.get(key)
        if signature is None:
            below_of = {upper: frozenset(lower) for upper, lower in below.items()}
            for unfree in {one for record in records for one in record.unfree}:
                if unfree in symbols and not symbols[unfree].attributes.function:
                    symbols[unfree].forget_freeness()
            rewritten = frozenset(one for record in records for one in record.rewritten)
            overloads = [pair for record in records for pair in record.overloads]
            signature = Signature(sorts, symbols, below_of, overloads, rewritten, no_junk)
            self._signatures[key] = signature
        for record in records:
            if record.rules is None:
                record.rules = read_rules(record, signature, aliases)
        rewrites: list[RewriteRule] = []
        equations: dict[str, list[Equation]] = {}
        simplifications: dict[str, list[Equation]] = {}
        ceils: dict[str, list[CeilRule]] = {}
        predicates: list[PredicateRule] = []
        lemmas: list[Lemma] = []
        for record in records:
            assert record.rules is not None
            rewrites.extend(record.rules.rewrites)
            for equation in record.rules.equations:
                target = simplifications if equation.is_simplification else equations
                target.setdefault(equation.symbol.name, []).append(equation)
            for rule in record.rules.ceils:
                ceils.setdefault(rule.symbol.name, []).append(rule)
            predicates.extend(record.rules.predicates)
            lemmas.extend(record.rules.lemmas)
        rewrites.sort(key=lambda one: one.priority)
        for group in (*equations.values(), *simplifications.values()):
            group.sort(key=lambda one: one.priority)
        return Theory(
            name,
            signature,
            tuple(rewrites),
            {symbol: tuple(group) for symbol, group in equations.items()},
            {symbol: tuple(group) for symbol, group in simplifications.items()},
            {symbol: tuple(group) for symbol, group in ceils.items()},
            tuple(predicates),
            tuple(lemmas),
        )
