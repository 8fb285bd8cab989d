"""pyk's results of a step as plain values, and back.

What a step found is written twice: for the driver as a small list of results whose new nodes are hashes of terms (the
nodes that pyk's `KCFG.extend` will create), and for `rebuild` as a detail from which pyk's own objects are made again,
equal to the ones that were written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyk.cterm.cterm import CSubst
from pyk.kast.inner import KInner
from pyk.kast.manip import ml_pred_to_bool
from pyk.kast.prelude.ml import is_bottom
from pyk.kcfg.kcfg import KCFG, Abstract, Branch, NDBranch, Step, Stuck, Vacuous
from pyk.kore.rpc import LogEntry
from pyk.proof.implies import ImpliesProofResult
from pyk.proof.reachability import (
    APRProofBoundedResult,
    APRProofExtendAndCacheResult,
    APRProofExtendResult,
    APRProofSubsumeResult,
    APRProofTerminalResult,
    APRProofUseCacheResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final

    from pyk.cterm.cterm import CTerm
    from pyk.kcfg.kcfg import KCFGExtendResult
    from pyk.proof.reachability import APRProofResult

    from .codec import TermCache

FORMAT: Final = 1


@dataclass
class Written:
    """The results of one step.

    Attributes:
        results: For the driver.
        details: For `rebuild`, one for each result.
        blobs: The new terms by hash.
        transitions: States with the states that follow them.
        rewrites: Rewrite steps made.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    transitions: list[tuple[CTerm, list[CTerm]]] = field(default_factory=list)
    rewrites: int = 0


def write_results(
    results: Iterable[APRProofResult], source: CTerm, *, terms: TermCache, pretty: Callable[[KInner], str]
) -> Written:
    """Write down what a step found at a node whose term is `source`.

    Args:
        pretty: A printer, for the conditions of a branch.
    """
    written = Written()
    for result in results:
        entry: dict[str, Any] = {'kind': _kind(result), 'prior_loops': list(result.prior_loops_cache_update)}
        detail: dict[str, Any] = {'kind': entry['kind']}
        if isinstance(result, APRProofSubsumeResult):
            detail['csubst'] = result.csubst.to_dict()
            if is_bottom(result.csubst.constraint, weak=True):
                entry['vacuous'] = True  # it is an instance of the target as it is one of anything
        elif isinstance(result, APRProofExtendResult):
            writer = _ExtensionWriter(written, terms, pretty)
            entry['extension'], detail['extension'], created = writer.write(result.extension_to_apply, source)
            entry['to_cache'] = None
            if isinstance(result, APRProofExtendAndCacheResult):
                (following,) = created  # only a step is followed by what is to be cached
                entry['to_cache'], detail['to_cache'], _ = writer.write(result.extension_to_cache, following)
        written.results.append(entry)
        written.details.append(detail)
    return written


def read_results(
    results: Iterable[Mapping[str, Any]],
    details: Iterable[Mapping[str, Any]],
    *,
    node_id: int,
    predecessor: int | None,
    optimize_kcfg: bool,
    loops: Callable[[Iterable[int]], tuple[int, ...]],
    term: Callable[[str], CTerm],
) -> list[APRProofResult]:
    """pyk's results again, for the node `node_id` of a proof.

    Args:
        predecessor: The node before it: where an extension of its own was cached.
        optimize_kcfg: Whether the edge that it ends and the one that it begins are to be joined.
        loops: From positions in the path of the step to node ids.
        term: The term with a hash.
    """
    found: list[APRProofResult] = []
    for result, detail in zip(results, details, strict=True):
        common: dict[str, Any] = {
            'node_id': node_id,
            'prior_loops_cache_update': loops(result['prior_loops']),
            'optimize_kcfg': optimize_kcfg,
        }
        match detail['kind']:
            case 'subsumed':
                found.append(APRProofSubsumeResult(csubst=CSubst.from_dict(detail['csubst']), **common))
            case 'terminal':
                found.append(APRProofTerminalResult(**common))
            case 'bounded':
                found.append(APRProofBoundedResult(**common))
            case 'use-cache':
                assert predecessor is not None, 'only a node with a predecessor has a cached extension'
                found.append(APRProofUseCacheResult(cached_node_id=predecessor, **common))
            case 'extend':
                common['extension_to_apply'] = _read_extension(detail['extension'], term)
                if 'to_cache' in detail:
                    cached = _read_extension(detail['to_cache'], term)
                    found.append(APRProofExtendAndCacheResult(extension_to_cache=cached, **common))
                else:
                    found.append(APRProofExtendResult(**common))
            case other:
                raise ValueError(f'Expected a result of a step, found {other!r}')
    return found


def write_equality_result(result: ImpliesProofResult) -> dict[str, Any]:
    """A result of `ImpliesProver` as plain values."""
    return {
        'csubst': _dict_or_none(result.csubst),
        'simplified_antecedent': _dict_or_none(result.simplified_antecedent),
        'simplified_consequent': _dict_or_none(result.simplified_consequent),
    }


def read_equality_result(detail: Mapping[str, Any]) -> ImpliesProofResult:
    """The inverse of `write_equality_result`."""
    csubst, antecedent, consequent = (
        detail[name] for name in ('csubst', 'simplified_antecedent', 'simplified_consequent')
    )
    return ImpliesProofResult(
        csubst=None if csubst is None else CSubst.from_dict(csubst),
        simplified_antecedent=None if antecedent is None else KInner.from_dict(antecedent),
        simplified_consequent=None if consequent is None else KInner.from_dict(consequent),
    )


def new_cterms(extension: KCFGExtendResult, source: CTerm) -> list[CTerm]:
    """The terms of the nodes that pyk creates when it extends a node with term `source`, in order."""
    scratch = KCFG(optimize_memory=False)
    node = scratch.create_node(source)
    scratch.extend(extension, node, {}, optimize_kcfg=False)
    return [created.cterm for created in sorted(scratch.nodes) if created.id != node.id]


def readable(predicate: KInner, pretty: Callable[[KInner], str]) -> str:
    """A matching-logic predicate as text: as a condition of sort Bool where it is one."""
    return pretty(as_condition(predicate))


def as_condition(predicate: KInner) -> KInner:
    """A matching-logic predicate as a condition of sort Bool where it is one, and as it is where not; for printing."""
    try:
        return ml_pred_to_bool(predicate)
    except ValueError:
        return predicate


class _ExtensionWriter:
    """Writes extensions of nodes, and the terms of new nodes into the blobs of `written`."""

    def __init__(self, written: Written, terms: TermCache, pretty: Callable[[KInner], str]):
        self._written = written
        self._terms = terms
        self._pretty = pretty

    def write(self, extension: KCFGExtendResult, source: CTerm) -> tuple[dict[str, Any], dict[str, Any], list[CTerm]]:
        """An extension for the driver, for `rebuild`, and the terms of the new nodes."""
        created = new_cterms(extension, source)
        self._written.transitions.append((source, created))
        nodes = [self._add(cterm, source) for cterm in created]
        entry: dict[str, Any] = {'nodes': nodes}
        detail: dict[str, Any] = {}
        match extension:
            case Step(_, depth, logs, rules, cut, info):
                self._written.rewrites += depth
                entry |= {'kind': 'step', 'depth': depth, 'rules': list(rules), 'cut': cut}
                detail |= entry | {'logs': _write_logs(logs), 'info': info}
            case Branch(constraints, heuristic, info):
                conditions = [readable(constraint, self._pretty) for constraint in constraints]
                entry |= {'kind': 'branch', 'conditions': conditions}
                detail |= {
                    'kind': 'branch',
                    'nodes': nodes,
                    'constraints': [constraint.to_dict() for constraint in constraints],
                    'heuristic': heuristic,
                    'info': info,
                }
            case NDBranch(_, logs, rules):
                self._written.rewrites += 1
                entry |= {'kind': 'ndbranch', 'rules': list(rules)}
                detail |= entry | {'logs': _write_logs(logs)}
            case Abstract():
                entry |= {'kind': 'abstract'}
                detail |= entry
            case Stuck():
                entry = detail = {'kind': 'stuck'}
            case Vacuous():
                entry = detail = {'kind': 'vacuous'}
            case _:
                raise TypeError(f'Expected an extension that pyk knows, found {type(extension).__name__}')
        return entry, detail, created

    def _add(self, cterm: CTerm, source: CTerm) -> str:
        term, blob = self._terms.encode(cterm, source)
        self._written.blobs[term] = blob
        return term


def _read_extension(detail: Mapping[str, Any], term: Callable[[str], CTerm]) -> KCFGExtendResult:
    match detail['kind']:
        case 'step':
            (node,) = detail['nodes']
            return Step(
                term(node),
                detail['depth'],
                _read_logs(detail['logs']),
                list(detail['rules']),
                cut=detail['cut'],
                info=detail['info'],
            )
        case 'branch':
            constraints = [KInner.from_dict(constraint) for constraint in detail['constraints']]
            return Branch(constraints, heuristic=detail['heuristic'], info=detail['info'])
        case 'ndbranch':
            return NDBranch(map(term, detail['nodes']), _read_logs(detail['logs']), detail['rules'])
        case 'abstract':
            (node,) = detail['nodes']
            return Abstract(term(node))
        case 'stuck':
            return Stuck()
        case 'vacuous':
            return Vacuous()
        case other:
            raise ValueError(f'Expected an extension of a node, found {other!r}')


def _kind(result: APRProofResult) -> str:
    match result:
        case APRProofSubsumeResult():
            return 'subsumed'
        case APRProofTerminalResult():
            return 'terminal'
        case APRProofBoundedResult():
            return 'bounded'
        case APRProofUseCacheResult():
            return 'use-cache'
        case APRProofExtendResult():
            return 'extend'
        case _:
            raise TypeError(f'Expected a result that pyk knows, found {type(result).__name__}')


def _write_logs(logs: Iterable[LogEntry]) -> list[dict[str, Any]]:
    return [entry.to_dict() for entry in logs]


def _read_logs(logs: Iterable[Mapping[str, Any]]) -> tuple[LogEntry, ...]:
    return tuple(LogEntry.from_dict(entry) for entry in logs)


def _dict_or_none(value: CSubst | KInner | None) -> dict[str, Any] | None:
    return None if value is None else value.to_dict()
