"""The generated functions of rules and equations, made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ..equalities import surely_distinct
from ..terms import Bottom, Term
from .build import BuildWriter, write_condition
from .match import MatchWriter
from .writer import Writer, base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..definition import Theory
    from ..predicates import Predicate
    from ..rules import Equation, RewriteRule
    from ..symbols import Symbol
    from ..terms import Var


@final
class Code:
    """The three functions of a rule: `match(subject...)`, `holds(values, A, C)`, `build(values, A, C)`.

    `match` returns a tuple of values for `variables`, None, or `SLOW`. `holds` returns True, False, or None where it is
    not certain; `build` returns the right side in normal form. Both may raise `Undefined`, and leave what evaluation
    drops to `A` to account for: where `holds` comes to owe something, its answer does not count.
    """

    __slots__ = ('build', 'holds', 'match', 'variables')

    def __init__(
        self,
        theory: Theory,
        patterns: Sequence[Term],
        bindings: Sequence[tuple[Var, Term]],
        requires: Sequence[Predicate],
        rhs: Term | Bottom,
        has_holes: bool,
        by_name: bool = False,
    ) -> None:
        signature = theory.signature

        def distinct(one: Term, other: Term) -> bool:
            return one.defined and other.defined and surely_distinct(signature, one, other)

        namespace = {**base(theory), 'distinct': distinct}
        writer = Writer(theory, namespace)
        matching = MatchWriter(writer, by_name)
        subjects = [writer.local() for _ in patterns]
        for pattern, subject in zip(patterns, subjects, strict=True):
            matching.pattern(pattern, subject)
        matching.finish()
        self.variables = tuple(matching.bound)
        writer.emit(f'return ({"".join(f"{name}," for name in matching.bound.values())})')
        self.match = writer.function('match', ', '.join(subjects))

        names = [f'p{index}' for index in range(len(self.variables))]
        bound = dict(zip(self.variables, names, strict=True))
        unpack = f'{"".join(f"{name}," for name in names)} = values' if names else 'pass'

        writer = Writer(theory, namespace)
        writer.emit(unpack)
        writer.emit('unsure = False')
        builder = BuildWriter(writer, bound)
        builder.aliases(bindings)
        supported = write_condition(writer, builder, requires)
        writer.emit('return None if unsure else True' if supported else 'return None')
        self.holds = writer.function('holds', 'values, A, C')

        self.build: Callable[..., Any] | None = None
        if not has_holes and isinstance(rhs, Term):
            writer = Writer(theory, namespace)
            writer.emit(unpack)
            builder = BuildWriter(writer, bound)
            builder.aliases(bindings)
            writer.emit(f'return {builder.term(rhs)}')
            self.build = writer.function('build', 'values, A, C')


@final
class CompiledRule:
    """A rewrite rule with its code, which is made when the rule is first a candidate.

    `code.build` is None for a rule whose right side needs more than its match: existential variables, or `ensures`.
    """

    __slots__ = ('_code', '_theory', 'rule')

    def __init__(self, theory: Theory, rule: RewriteRule) -> None:
        self.rule = rule
        self._theory = theory
        self._code: Code | None = None

    @property
    def code(self) -> Code:
        """The rule's code."""
        if self._code is None:
            rule = self.rule
            holes = rule.is_open or bool(rule.existentials) or bool(rule.ensures) or isinstance(rule.rhs, Bottom)
            requires = () if rule.is_open else rule.requires
            self._code = Code(self._theory, (rule.lhs,), rule.bindings, requires, rule.rhs, holes)
        return self._code


@final
class CompiledEquation:
    """An equation with its code, which is made when the equation is first a candidate."""

    __slots__ = ('_code', '_theory', 'equation')

    def __init__(self, theory: Theory, equation: Equation) -> None:
        self.equation = equation
        self._theory = theory
        self._code: Code | None = None

    @property
    def code(self) -> Code:
        """The equation's code."""
        if self._code is None:
            one = self.equation
            holes = bool(one.ensures) or one.is_opaque or isinstance(one.rhs, Bottom)
            # Where a function's own equation has functions on its left, only the general matcher can refuse it.
            by_name = one.is_simplification
            self._code = Code(self._theory, one.lhs.args, one.bindings, one.requires, one.rhs, holes, by_name)
        return self._code


@final
class EquationTable:
    """The equations of each symbol, with their code."""

    __slots__ = ('_equations',)

    def __init__(self, theory: Theory, equations: Mapping[str, tuple[Equation, ...]]) -> None:
        self._equations = {
            name: tuple(CompiledEquation(theory, one) for one in group) for name, group in equations.items()
        }

    def candidates(self, symbol: Symbol) -> Sequence[CompiledEquation]:
        """Return the equations of a symbol, in order of priority."""
        return self._equations.get(symbol.name, ())
