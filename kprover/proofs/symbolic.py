"""pyk's symbolic operations as the steps of a proof need them, and an explorer over them."""

from __future__ import annotations

from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING

from pyk.cterm.symbolic import CTermImplies, CTermSymbolic
from pyk.kast.inner import KApply, KVariable, var_occurrences
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.kcfg.explore import KCFGExplore
from pyk.kore.rpc import ImplicationError, SmtSolverError, UnsatResult
from pyk.kore.syntax import And, Ceil, Exists, Floor, Forall, Iff, Implies, In, Not

from .convert import Converter
from .errors import BackendError
from .results import as_condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, Final

    from pyk.cterm.cterm import CTerm
    from pyk.cterm.symbolic import CTermExecute
    from pyk.kast.inner import KInner, Subst
    from pyk.kast.outer import KDefinition
    from pyk.kcfg.semantics import KCFGSemantics
    from pyk.kore.rpc import LogEntry
    from pyk.kore.syntax import Pattern

    from .client import ProverClient
    from .sources import Definition


_UNBOUND: Final = 'free variables'  # "the RHS must not have free variables not present in the LHS"


class ProofSymbolic(CTermSymbolic):
    """pyk's symbolic operations as the steps of a proof need them; where neither point below applies it is pyk's.

    pyk checks subsumption and simplifies in the main module. A claim with lemma modules needs its lemmas there too,
    so for it the default is the module of its lemmas.

    pyk binds every variable of the target that the state no longer mentions existentially. A variable of the claim's
    left-hand side is universal, though, also where execution has dropped it: with `a = b; b = a` from `a |-> A` and
    `b |-> B` the final state `a |-> B, b |-> B` does not imply the target `a |-> B, b |-> A`. Such variables are kept
    free on both sides.

    Attributes:
        default_module: Module for requests that name none; the main module if None.
        universals: Variables of the claim's left-hand side that its right-hand side mentions.
    """

    default_module: str | None
    universals: frozenset[str]
    _converter: Converter

    def __init__(
        self,
        client: ProverClient,
        definition: KDefinition,
        default_module: str | None,
        converter: Converter | None = None,
    ):
        super().__init__(client, definition)
        self._client = client
        self._answered = False
        self._converter = converter if converter is not None else Converter(definition)
        self.default_module = default_module
        self.universals = frozenset()

    def kast_to_kore(self, kinner: KInner) -> Pattern:
        return self._converter.kast_to_kore(kinner)

    def kore_to_kast(self, pattern: Pattern) -> KInner:
        """The term of a pattern; a connective that pyk has no term for is written with others, see `in_terms`."""
        self._answered = True
        try:
            return self._converter.kore_to_kast(pattern)
        except ValueError:
            written = pattern.bottom_up(in_terms)
            if written == pattern:
                raise
        return self._converter.kore_to_kast(written)

    def execute(
        self,
        cterm: CTerm,
        depth: int | None = None,
        cut_point_rules: Iterable[str] | None = None,
        terminal_rules: Iterable[str] | None = None,
        module_name: str | None = None,
        booster_only_simplify: bool | None = None,
        haskell_logging: bool | None = None,
    ) -> CTermExecute:
        with self._terms_of_the_answer():
            answer = super().execute(
                cterm,
                depth=depth,
                cut_point_rules=cut_point_rules,
                terminal_rules=terminal_rules,
                module_name=module_name,
                booster_only_simplify=booster_only_simplify,
                haskell_logging=haskell_logging,
            )
            for state in (answer.state, *(following.state for following in answer.next_states)):
                if isinstance(state.config, KApply) and state.config.label.name == '#Top':
                    raise ValueError('a state without a configuration')
            return answer

    @contextmanager
    def _terms_of_the_answer(self) -> Iterator[None]:
        """What pyk raises on terms of an answer that are none of the definition, or no state, as the server's error."""
        self._answered = False
        try:
            yield
        except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as err:
            if not self._answered:
                raise
            whose = self._client.whose
            raise BackendError(
                f'{whose}: Expected terms of the definition in its answer, found some with {type(err).__name__}: {err}'
            ) from err

    def kast_simplify(
        self,
        kast: KInner,
        module_name: str | None = None,
        booster_only_simplify: bool | None = None,
        haskell_logging: bool | None = None,
    ) -> tuple[KInner, tuple[LogEntry, ...]]:
        module = module_name if module_name is not None else self.default_module
        with self._terms_of_the_answer():
            return super().kast_simplify(kast, module, booster_only_simplify, haskell_logging)

    def get_model(self, cterm: CTerm, module_name: str | None = None) -> Subst | None:
        return super().get_model(cterm, module_name if module_name is not None else self.default_module)

    @property
    def definition(self) -> KDefinition:
        """What the terms are terms of."""
        return self._definition

    def is_unsatisfiable(self, cterm: CTerm) -> bool:
        """Whether the solver finds no values for which a state's conditions hold; `get_model` of pyk does not tell."""
        kore = self.kast_to_kore(cterm.kast)
        try:
            result = self._kore_client.get_model(kore, module_name=self.default_module)
        except SmtSolverError as err:
            raise self._smt_solver_error(err) from err
        return isinstance(result, UnsatResult)

    def implies(
        self,
        antecedent: CTerm,
        consequent: CTerm,
        bind_universally: bool = False,
        failure_reason: bool = False,
        module_name: str | None = None,
        assume_defined: bool = False,
        booster_only_simplify: bool | None = None,
        haskell_logging: bool | None = None,
    ) -> CTermImplies:
        dropped = self.universals.intersection(consequent.free_vars).difference(antecedent.free_vars)
        try:
            with self._terms_of_the_answer():
                answer = super().implies(
                    self._with_variables(antecedent, consequent, dropped),
                    consequent,
                    bind_universally=bind_universally,
                    failure_reason=failure_reason,
                    module_name=module_name if module_name is not None else self.default_module,
                    assume_defined=assume_defined,
                    booster_only_simplify=booster_only_simplify,
                    haskell_logging=haskell_logging,
                )
        except ImplicationError as err:
            if dropped and _UNBOUND in str(err):
                # The server simplified the condition away before it looked for the variables: it cannot compare.
                return CTermImplies(None, (), None, ())
            raise
        if answer.csubst is not None and _instantiates(answer.csubst.subst, dropped):
            # A server that chooses values for them has proved less than was asked, whatever it calls it.
            return CTermImplies(None, (), None, answer.logs)
        return answer

    def _with_variables(self, antecedent: CTerm, consequent: CTerm, dropped: frozenset[str]) -> CTerm:
        """The antecedent with a condition, true of all values, on each of the variables that it has dropped."""
        if not dropped:
            return antecedent
        occurrences = var_occurrences(self._definition.sort_vars(consequent.kast))
        for name in sorted(dropped):
            variable = occurrences[name][0]
            antecedent = antecedent.add_constraint(mlEqualsTrue(KApply('_==K_', [variable, variable])))
        return antecedent


class ProofExplore(KCFGExplore):
    """pyk's explorer, which makes a branch on every predicate that a server may send.

    pyk writes the conditions of a branch down as terms of sort Bool, and fails where one of them is none, as `#Ceil` of
    a partial function. Here `extend_cterm` is pyk's, with another function in the place of that conversion.
    """

    @staticmethod
    def _with_names(function: Callable[..., Any], **names: object) -> Callable[..., Any]:
        """A function of a module that sees other values under some of the module's names."""
        assert isinstance(function, FunctionType)
        seen = {**function.__globals__, **names}
        copy = FunctionType(function.__code__, seen, function.__name__, function.__defaults__, function.__closure__)
        copy.__kwdefaults__ = function.__kwdefaults__
        return copy

    extend_cterm = _with_names(KCFGExplore.extend_cterm, ml_pred_to_bool=as_condition)


def in_terms(pattern: Pattern) -> Pattern:
    """A connective of which pyk's `kore_to_kast` knows nothing, by those that it knows and that it is defined by."""
    match pattern:
        case Forall(sort, variable, body):
            return Not(sort, Exists(sort, variable, Not(sort, body)))
        case Iff(sort, left, right):
            return And(sort, (Implies(sort, left, right), Implies(sort, right, left)))
        case In(op_sort, sort, left, right):
            return Ceil(op_sort, sort, And(op_sort, (left, right)))
        case Floor(op_sort, sort, body):
            return Not(sort, Ceil(op_sort, sort, Not(op_sort, body)))
    return pattern


def _instantiates(subst: Subst, variables: frozenset[str]) -> bool:
    """Whether a substitution takes one of the variables to anything but itself."""
    for name in variables.intersection(subst):
        value = subst[name]
        if not (isinstance(value, KVariable) and value.name == name):
            return True
    return False


def explorer(
    client: ProverClient, definition: Definition, semantics: KCFGSemantics, lemma_module: str | None
) -> KCFGExplore:
    """pyk's explorer over this client; the definition's printer and its tables for conversion are shared."""
    symbolic = ProofSymbolic(client, definition.kast, lemma_module, definition.converter)
    explore = ProofExplore(symbolic, kcfg_semantics=semantics)
    explore.__dict__['_pretty_printer'] = definition.printer  # fills the cached property
    return explore


def use_universals(explore: KCFGExplore, header: Mapping[str, Any]) -> None:
    """Tell an explorer in which variables the claim of the next task is universal; none of an earlier one remain."""
    assert isinstance(explore.cterm_symbolic, ProofSymbolic)
    explore.cterm_symbolic.universals = frozenset(header.get('universals', ()))
