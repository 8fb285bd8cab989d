"""The rules that a proof adds to the definition, in Kore modules named by their content.

A chain of at most three, each importing the one before and the first the main module: lemmas, rules of the claims it
depends on, the claim's own circularity. A module without rules is left out: its importer takes its place. Names and
rule labels come from the content alone, imports included, so claims that need the same rules share a module, a server
never sees two texts under one name, and no claim's name enters a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm
from pyk.kast.att import Atts
from pyk.kast.manip import ml_pred_to_bool
from pyk.kast.outer import KFlatModule, KImport, KRule
from pyk.kcfg.kcfg import KCFG
from pyk.konvert._kast_to_kore import kflatmodule_to_kore

from .codec import sha256
from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KDefinition
    from pyk.proof.reachability import APRProof

PRIORITY: Final = 20
"""Priority of rules made from claims, before all rules of a definition (50); pyk's number."""

_UNNAMED: Final = 'M'
_LABEL: Final = re.compile(r'-(\d+)-TO-(\d+)$')
_LABEL_DIGITS: Final = 16
_LEMMA_ATTRIBUTES: Final = (
    Atts.LABEL,
    Atts.PRIORITY,
    Atts.OWISE,
    Atts.SIMPLIFICATION,
    Atts.SYMBOLIC,
    Atts.CONCRETE,
    Atts.SMTLEMMA,
)
_IGNORED_ATTRIBUTES: Final = (Atts.PRODUCTION, Atts.UNIQUE_ID, Atts.SOURCE, Atts.LOCATION, Atts.GROUP)
_HINTS: Final = ('preserves-definedness', 'comment')


@dataclass(frozen=True)
class AddedModule:
    """A module for `add-module` with its name as id: `text` is its Kore text."""

    name: str
    text: str


def added_module(definition: KDefinition, imported: str, rules: Iterable[KRule]) -> AddedModule:
    """The module with these rules that imports `imported`; its name is the hash of what it says."""
    unnamed = kflatmodule_to_kore(definition, KFlatModule(_UNNAMED, rules, [KImport(imported)]))
    name = f'M-{sha256(unnamed.text.encode("utf-8"))}'
    return AddedModule(name, unnamed.let(name=name).text)


def lemma_rules(rules: Iterable[KRule]) -> list[KRule]:
    """Rules of lemma files, each once, with the attributes that a server reads.

    Raises:
        InputError: a rule has an attribute that changes its meaning and that an added module cannot have.
    """
    result: dict[KRule, None] = {}
    for rule in rules:
        entries = [entry for entry in rule.att.entries() if entry.key not in _IGNORED_ATTRIBUTES]
        for entry in entries:
            if entry.key not in _LEMMA_ATTRIBUTES and entry.key.name not in _HINTS:
                allowed = ', '.join(key.name for key in _LEMMA_ATTRIBUTES)
                raise InputError(
                    f'lemma {rule.label}: expected attributes out of {allowed}, found {entry.key.name}; '
                    'kompile such a rule with the definition'
                )
        kept = (entry for entry in entries if entry.key in _LEMMA_ATTRIBUTES)
        result[rule.let(att=type(rule.att)(kept))] = None
    return list(result)


def claim_rules(proof: APRProof, terms: Mapping[int, str], *, direct: bool, name: str) -> tuple[list[KRule], bool]:
    """The rules that a proof gives to those that depend on it, as pyk has them, labelled by content.

    Args:
        proof: A proof whose id is its content, see `codec.content_id`.
        terms: The hash of each node's term.
        direct: Whether a passed proof is used as one rule from its initial to its target node.
        name: The claim's name, for messages.

    Returns:
        The rules, in the order of their labels, and whether they say the whole claim rather than the steps
        that were made for it.
    """
    admitted = proof.admitted and not proof.kcfg.predecessors(proof.target)
    if proof.circularity or admitted or (direct and proof.passed):
        return [whole_rule(proof, name)], True
    labelled: dict[str, KRule] = {}
    edges: list[KCFG.Edge | KCFG.MergedEdge] = [*proof.kcfg.edges(), *proof.kcfg.merged_edges()]
    for edge in edges:
        rule = _rule(proof, edge)
        if rule is None:
            continue
        match = _LABEL.search(rule.label)
        assert match is not None, f'unexpected rule label of pyk: {rule.label}'
        source, target = (terms[int(node)][:_LABEL_DIGITS].upper() for node in match.groups())
        label = f'{proof.rule_id}-{source}-TO-{target}'
        labelled[label] = rule.let(att=rule.att.update([Atts.LABEL(label)]))
    return [labelled[label] for label in sorted(labelled)], False


def whole_rule(proof: APRProof, name: str) -> KRule:
    """The rule from the initial to the target state of a proof, pyk's `as_rule`.

    Args:
        name: The claim's name, for messages.

    Raises:
        InputError: a condition of the initial state is none of sort Bool, so that no rule can have it.
    """
    kcfg = proof.kcfg
    rule = _rule(proof, KCFG.Edge(kcfg.node(proof.init), kcfg.node(proof.target), depth=0, rules=()))
    if rule is None:
        raise InputError(
            f'claim {name}: expected conditions of sort Bool on the left-hand side of a claim that is used as a rule, '
            'found one that is none, as #Ceil; write it with requires'
        )
    return rule


def _rule(proof: APRProof, edge: KCFG.Edge | KCFG.MergedEdge) -> KRule | None:
    """The rule of an edge, pyk's `to_rule`; `None` if it would hold in more states than the edge.

    A rule has conditions of sort Bool only, and pyk drops `#Ceil` and refuses what else is none. Without such a
    condition of its source the rule would say more than was shown; without one of its target it says less.
    """
    if not all(map(_is_condition, edge.source.cterm.constraints)):
        return None
    target = edge.target
    said = [constraint for constraint in target.cterm.constraints if _is_condition(constraint)]
    sayable = edge.replace_target(target.let(cterm=CTerm(target.cterm.config, said)))
    assert isinstance(sayable, (KCFG.Edge, KCFG.MergedEdge))
    rule = sayable.to_rule(proof.rule_id, priority=PRIORITY)
    assert isinstance(rule, KRule)
    return rule


def _is_condition(predicate: KInner) -> bool:
    """Whether a predicate of a state can be written as a condition of sort Bool."""
    try:
        ml_pred_to_bool(predicate)
    except ValueError:
        return False
    return True
