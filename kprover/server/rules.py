"""Rules as values: what an axiom of the definition says, with variables renamed apart from those of every state.

A rule's variables carry `#` in their names, which no variable of a request can (`internalise.py` refuses it), so a rule
never captures a variable of a configuration. `public_name` gives the name under which a rule's variable is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from .predicates import Predicate
    from .symbols import Symbol
    from .terms import App, Bottom, Term, Var

__all__ = [
    'DEFAULT_PRIORITY',
    'OWISE_PRIORITY',
    'RULE_MARK',
    'CeilRule',
    'Equation',
    'Lemma',
    'PredicateRule',
    'Restriction',
    'RewriteRule',
    'public_name',
]

RULE_MARK: Final = 'Rule#'
DEFAULT_PRIORITY: Final = 50
OWISE_PRIORITY: Final = 200


def public_name(name: str) -> str:
    """Return the name of a rule's variable as the protocol reports it: `RuleVarX` for the `VarX` of the rule."""
    return name.replace(RULE_MARK, 'Rule', 1)


@final
@dataclass(frozen=True)
class RewriteRule:
    """`lhs /\\ requires => exists existentials. rhs /\\ ensures`.

    A `rhs` of `BOTTOM` says that the rule leads nowhere. A rule `is_open` if its conditions mention variables that its
    left side does not bind: it applies where some values of them meet the conditions. `bindings` are the pattern's
    aliases: variables that stand for an instance of a term over the variables of `lhs`. `unique_id` is the UNIQUE_ID of
    the definition, else the label, else a digest of the axiom; `names` are all names under which requests may mean the
    rule.
    """

    lhs: Term
    requires: tuple[Predicate, ...]
    bindings: tuple[tuple[Var, Term], ...]
    rhs: Term | Bottom
    ensures: tuple[Predicate, ...]
    existentials: tuple[Var, ...]
    priority: int
    unique_id: str
    label: str
    names: frozenset[str] = field(default=frozenset())
    order: int = 0
    is_open: bool = False


@final
@dataclass(frozen=True)
class Restriction:
    """`concrete` or `symbolic` of an equation: for which values of its variables it may be used.

    An attribute without a list of variables speaks of all variables of the left side, which are listed here.
    """

    concrete: frozenset[Var] = frozenset()
    symbolic: frozenset[Var] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether the equation may be used for all values."""
        return not (self.concrete or self.symbolic)


@final
@dataclass(frozen=True)
class Equation:
    """`requires => lhs = rhs /\\ ensures`, used from left to right on applications of `symbol`.

    A `rhs` of `BOTTOM` says that the application has no value. An equation that `is_opaque` is never used, but where it
    may match nothing is used in its place.
    """

    symbol: Symbol
    lhs: App
    requires: tuple[Predicate, ...]
    bindings: tuple[tuple[Var, Term], ...]
    rhs: Term | Bottom
    ensures: tuple[Predicate, ...]
    priority: int
    unique_id: str
    label: str
    restriction: Restriction
    is_simplification: bool
    order: int = 0
    is_opaque: bool = False


@final
@dataclass(frozen=True)
class CeilRule:
    """`lhs` is defined exactly if `condition` holds."""

    symbol: Symbol
    lhs: App
    condition: Predicate
    unique_id: str


@final
@dataclass(frozen=True)
class PredicateRule:
    """`requires => (P <-> condition)`: a simplification whose left side is a predicate.

    `P` is `\\ceil` of the one pattern, or the equality of the two; they share the variables of `condition`.
    """

    patterns: tuple[Term, ...]
    requires: tuple[Predicate, ...]
    condition: Predicate
    unique_id: str

    @property
    def free(self) -> frozenset[Var]:
        """The variables that a match binds."""
        return frozenset().union(*(one.free for one in self.patterns))


@final
@dataclass(frozen=True)
class Lemma:
    """What an equation marked `smt-lemma` tells the solver, with its free variables read as universally quantified.

    `name` is its label, or where it stands.
    """

    predicate: Predicate
    name: str
