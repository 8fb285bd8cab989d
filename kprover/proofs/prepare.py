"""From a claim to its initial proof: two terms, the modules its steps run in, and nothing that a server must say.

The initial graph is pyk's (`APRProof.from_claim`, `EqualityProof.from_claim`), and so are the rules made of the claim
and of those that it depends on; only their names are ours (see `modules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyk.kast.att import Atts
from pyk.kast.inner import KApply
from pyk.kast.manip import extract_lhs, extract_rhs, free_vars
from pyk.proof.implies import EqualityProof
from pyk.proof.reachability import APRProof

from .codec import canonical, content_id, pack, pack_text, sha256
from .errors import InputError, MissingRecord
from .foreign import KIND
from .modules import added_module, claim_rules, lemma_rules, whole_rule
from .rebuild import leaves, replay, stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from pyk.kast.outer import KClaim, KDefinition, KRule, KRuleLike

    from .codec import TermCache
    from .foreign import ForeignProofs
    from .modules import AddedModule
    from .rebuild import ReadableStore, Replayed
    from .sources import Definition, Sources

FORMAT: Final = 1
_NO_ID: Final = 'equality'


@dataclass(frozen=True)
class Modules:
    """The modules of a proof in the order in which they must be added; `base` is what its claim's rules import."""

    added: tuple[AddedModule, ...]
    lemmas: str | None
    base: str


def prepare(
    header: Mapping[str, Any], *, sources: Sources, terms: TermCache, foreign: ForeignProofs
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The initial proof of a claim.

    Args:
        header: `claim` (its label), `spec`, `kompiled`, `main_module`, `lemmas` (paths), `trusted`, `bmc_depth`,
            `optimize_kcfg`, `refute`, `semantics`, `direct_subproof_rules`, `dependencies` (proof digests), `store`
            (path; read only if there are dependencies), `prover` (a reference to a `ProofKind`, or None).
        foreign: The proofs of users' own kinds.

    Returns:
        The header that says what the proof is, and its terms (by hash) and modules (`module:<name>`) as blobs.

    Raises:
        InputError: the claim or one of its options is wrong.
        MissingRecord: a proof that it depends on is not whole in the store.
    """
    definition = sources.definition(header['kompiled'])
    claim = sources.claim(header['spec'], header['claim'])
    _check_symbols(claim, f'{header["spec"]}: claim {header["claim"]}', definition)
    admitted = bool(header.get('trusted')) or claim.is_trusted
    modules = _base_modules(header, sources, definition)
    if header.get('prover'):
        _dependency_rules(header, foreign)
        answer, blobs = foreign.prepare(header, claim, admitted, definition)
        return answer | _common(header, modules), blobs | _module_blobs(modules.added)
    if _is_functional(claim, definition):
        _dependency_rules(header, foreign)
        return _equality(claim, header, admitted, modules, definition)
    return _reachability(claim, header, admitted, modules, definition, sources, terms, foreign)


def _reachability(
    claim: KClaim,
    header: Mapping[str, Any],
    admitted: bool,
    modules: Modules,
    definition: Definition,
    sources: Sources,
    terms: TermCache,
    foreign: ForeignProofs,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    _check_variables(claim, header['claim'])
    semantics = sources.semantics(header)
    alone = claim.let(att=claim.att.discard([Atts.DEPENDS]))  # pyk would look for the others in a folder
    try:
        proof = APRProof.from_claim(definition.kast, alone, {}, bmc_depth=header.get('bmc_depth'))
    except ValueError as err:
        raise InputError(f'claim {header["claim"]}: expected a configuration on both sides, found: {err}') from err
    node, goal = (proof.kcfg.node(i).cterm for i in (proof.init, proof.target))
    (init, init_blob), (target, target_blob) = terms.encode(node), terms.encode(goal)
    proof.id = content_id(init, target)

    added = list(modules.added)
    dependencies_module = modules.base
    if rules := _dependency_rules(header, foreign):
        added.append(added_module(definition.kast, modules.base, rules))
        dependencies_module = added[-1].name
    circularity = None
    if proof.circularity:
        added.append(added_module(definition.kast, dependencies_module, [whole_rule(proof, header['claim'])]))
        circularity = added[-1].name
    answer = {
        'format': FORMAT,
        'kind': 'reachability',
        'claim': header['claim'],
        'init': init,
        'target': target,
        'init_terminal': semantics.is_terminal(node),
        'target_terminal': semantics.is_terminal(goal),
        # pyk binds those of the target that a state has dropped; see `steps.ProofSymbolic`
        'universals': sorted(node.free_vars & goal.free_vars),
        'circularity': proof.circularity,
        'admitted': admitted,
        'bmc_depth': header.get('bmc_depth'),
        'optimize_kcfg': bool(header.get('optimize_kcfg')),
        'refute': bool(header.get('refute')),
        'dependencies_module': dependencies_module,
        'circularities_module': circularity,
        'circularity_rule': f'{proof.rule_id}-{proof.init}-TO-{proof.target}' if proof.circularity else None,
        'lemma_module': modules.lemmas,
        'modules': [module.name for module in added],
    }
    return answer, {init: init_blob, target: target_blob} | _module_blobs(added)


def _equality(
    claim: KClaim, header: Mapping[str, Any], admitted: bool, modules: Modules, definition: Definition
) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        proof = EqualityProof.from_claim(claim, definition.kast)
    except ValueError as err:
        label = header['claim']
        raise InputError(f'claim {label}: expected a function equal to a value without ensures, found: {err}') from err
    dct = {**proof.dict, 'id': _NO_ID, 'admitted': admitted}
    answer = {
        'kind': 'equality',
        'proof': sha256(canonical(dct)),
        'admitted': admitted,
    }
    return answer | _common(header, modules), {'proof': pack(dct)} | _module_blobs(modules.added)


def _common(header: Mapping[str, Any], modules: Modules) -> dict[str, Any]:
    """What the answer says of every proof."""
    return {
        'format': FORMAT,
        'claim': header['claim'],
        'lemma_module': modules.lemmas,
        'modules': [module.name for module in modules.added],
    }


def _check_symbols(sentence: KRuleLike, what: str, definition: Definition) -> None:
    """Refuse a claim or a lemma of another language, of which pyk would say `KeyError`."""
    known = definition.kast.symbols
    pending = [sentence.body, sentence.requires, sentence.ensures]
    while pending:
        term = pending.pop()
        if isinstance(term, KApply) and term.label.name not in known:
            raise InputError(
                f'{what}: expected symbols of the definition {definition.path}, found {term.label.name}, which it does '
                'not have; was the file parsed with another definition?'
            )
        pending += term.terms


def _check_variables(claim: KClaim, label: str) -> None:
    """As K does, refuse a variable that only the right-hand side has, unless its name says that it is existential.

    pyk would bind it existentially, which is hardly what `X => Y` was meant to say.
    """
    left = free_vars(extract_lhs(claim.body)) | free_vars(claim.requires)
    right = free_vars(extract_rhs(claim.body)) | free_vars(claim.ensures)
    if unbound := sorted(name for name in right - left if not name.startswith('?')):
        raise InputError(
            f'claim {label}: expected the variables of the right-hand side on the left-hand side too, found '
            f'{", ".join(unbound)}; write ?{unbound[0]} for a value that is only claimed to exist'
        )


def _is_functional(claim: KClaim, definition: Definition) -> bool:
    left = extract_lhs(claim.body)
    return isinstance(left, KApply) and left.label.name in definition.functions


def _base_modules(header: Mapping[str, Any], sources: Sources, definition: Definition) -> Modules:
    main_module = header['main_module']
    read = [(file, rule) for file in header.get('lemmas', ()) for rule in sources.lemmas(file, definition)]
    for file, rule in read:
        _check_symbols(rule, f'{file}: lemma {rule.label} for claim {header["claim"]}', definition)
    rules = lemma_rules(rule for _, rule in read)
    if not rules:
        return Modules((), None, main_module)
    lemmas = _add(definition.kast, main_module, rules, f'the lemmas of {", ".join(header["lemmas"])}')
    return Modules((lemmas,), lemmas.name, lemmas.name)


def _add(definition: KDefinition, imported: str, rules: list[KRule], what: str) -> AddedModule:
    try:
        return added_module(definition, imported, rules)
    except (ValueError, KeyError) as err:
        raise InputError(f'{what}: expected rules over the symbols of the definition, found: {err}') from err


def _dependency_rules(header: Mapping[str, Any], foreign: ForeignProofs) -> list[KRule]:
    """The rules of the claims that a claim depends on. Each must have passed, and not just up to a loop bound."""
    digests = header.get('dependencies', ())
    if not digests:
        return []
    # The store's package needs sqlitedict; a worker without dependencies to read does not pay for it.
    from ..store import StoreError, StoreReader

    rules: dict[str, KRule] = {}
    try:
        with StoreReader(Path(header['store'])) as store:
            for digest in digests:
                for rule in _rules_of(store, digest, header, foreign):
                    rules.setdefault(rule.label, rule)
    except StoreError as err:
        raise MissingRecord(f'The claims that {header["claim"]} depends on cannot be read: {err}') from err
    return [rules[label] for label in sorted(rules)]


def _rules_of(store: ReadableStore, digest: str, header: Mapping[str, Any], foreign: ForeignProofs) -> list[KRule]:
    prepared = stored(store, f'proof:{digest}').header
    if prepared['kind'] == KIND:
        if not prepared['admitted'] and foreign.status(store, digest, prepared) != 'passed':
            name = prepared.get('claim', digest)
            raise InputError(f'claim {header["claim"]}: depends on {name}, which has not passed; prove it first')
        return []  # only reachability proofs become rules
    replayed = replay(store, digest)
    proof, name = replayed.proof, replayed.claim
    if isinstance(proof, EqualityProof):
        if not proof.passed:
            raise InputError(f'claim {header["claim"]}: depends on {name}, which has not passed; prove it first')
        return []  # as in pyk, only reachability proofs become rules
    ends = leaves(proof)
    if not proof.admitted and (ends.pending or ends.failing):
        raise InputError(
            f'claim {header["claim"]}: depends on {name}, which has {len(ends.pending)} pending and '
            f'{len(ends.failing)} failing nodes; prove it first'
        )
    rules, whole = claim_rules(proof, replayed.terms, direct=bool(header.get('direct_subproof_rules')), name=name)
    if whole and ends.bounded and not proof.admitted:
        raise InputError(
            f'claim {header["claim"]}: depends on {name}, which holds only up to a loop bound '
            f'(bmc-depth {proof.bmc_depth}) and so is no rule; prove it without the bound, or mark it trusted'
        )
    if whole and _needs_no_step(replayed, proof):
        raise InputError(
            f'claim {header["claim"]}: depends on {name}, whose initial state is an instance of its target: as a rule '
            'it would count as a rewrite step that is none, and a circularity after it would prove anything; drop it'
        )
    return rules


def _needs_no_step(replayed: Replayed, proof: APRProof) -> bool:
    """Whether a claim holds of a state that has not made a rewrite step; for an admitted one, whether it plainly does.

    A circularity may be used after a step. The steps of rules made of claims are steps of the definition only if each
    of these claims needs at least one.
    """
    kcfg = proof.kcfg
    if any(replayed.depths[cover.source.id] == 0 for cover in kcfg.covers(target_id=proof.target)):
        return True
    init, target = kcfg.node(proof.init).cterm, kcfg.node(proof.target).cterm
    return proof.admitted and target.match(init) is not None


def _module_blobs(added: list[AddedModule] | tuple[AddedModule, ...]) -> dict[str, bytes]:
    return {f'module:{module.name}': pack_text(module.text) for module in added}
