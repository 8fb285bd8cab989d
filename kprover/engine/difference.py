"""Whether a step that was made again has the result that it had: what must be equal, and what a server may choose.

Equal must be: how many results there are, their kinds, rewrite steps, rules and cut points, whether a state is stuck or
vacuous, and the successors' terms, configuration and constraints. A server may choose the names of the variables that
it brings in, as long as different ones stay different, the order of a state's constraints, and the order of the
successors of a branch. Not compared are the witness of a subsumption, printed texts, and what the step took.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..suites.deep import call_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    Json = Any
    ReadTerm = Callable[[str], bytes]
    """The text of the term with a hash: JSON of `config` and `constraints`."""

SCALARS = ('kind', 'depth', 'rules', 'cut')
"""What an extension of a node says besides its successors. The rules of several successors are compared as a set."""


def difference(
    stored: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], *, source: str, term: ReadTerm
) -> str:
    """What is different between two results of one step, in words; empty if they agree.

    Args:
        stored: The `results` of a step's header.
        found: Those of another time.
        source: Hash of the term of the node; empty for an equality, whose result has no terms.
    """
    kinds = [[result['kind'] for result in results] for results in (stored, found)]
    if kinds[0] != kinds[1]:
        return f'it was {", ".join(map(str, kinds[0]))} and is {", ".join(map(str, kinds[1]))}'
    for before, now in zip(stored, found, strict=True):
        if before['kind'] == 'equality' and before['passed'] != now['passed']:
            return f'the equality {"held" if before["passed"] else "did not hold"} and now does the opposite'
        if before['kind'] == 'refutation' and before['passed'] != now['passed']:
            return f'the refutation {"passed" if before["passed"] else "did not pass"} and now does the opposite'
        if before.get('content') != now.get('content'):
            return 'its prover found something else'
        if before.get('prior_loops', []) != now.get('prior_loops', []):
            return 'it is in other loops than it was'
        for name in ('extension', 'to_cache'):
            found_other = _extension_difference(before.get(name), now.get(name), source, term)
            if found_other:
                return found_other
    return ''


def _extension_difference(
    before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, source: str, term: ReadTerm
) -> str:
    if before is None or now is None:
        return '' if before is None and now is None else 'one of the two had a further step in the same answer'
    for name in SCALARS:
        old, new = before.get(name), now.get(name)
        if name == 'rules' and before['kind'] == 'ndbranch':
            old, new = sorted(old or ()), sorted(new or ())
        if old != new:
            return f'{name}: it was {_short(old)} and is {_short(new)}'
    nodes, others = list(before.get('nodes', ())), list(now.get('nodes', ()))
    if len(nodes) != len(others):
        return f'it had {len(nodes)} successors and has {len(others)}'
    for node in [node for node in nodes if node in others]:
        nodes.remove(node)
        others.remove(node)
    for node in nodes:
        same = next((other for other in others if same_term(term(node), term(other), term(source))), None)
        if same is None:
            return f'successor {node[:16]} is not among its successors any more'
        others.remove(same)
    return ''


def same_term(one: bytes, other: bytes, source: bytes) -> bool:
    """Whether two constrained terms are one, up to the order of constraints and the names of fresh variables.

    Args:
        one: The JSON of a term.
        other: That of another one.
        source: That of the state which both follow; the variables in it are not fresh.
    """
    return call_deep(lambda: _same(*(json.loads(text) for text in (one, other, source))))


def _same(one: Json, other: Json, source: Json) -> bool:
    names = {name: name for name in _variables(source)}
    renaming = _unify(one['config'], other['config'], _Renaming(names, dict(names)))
    if renaming is None or len(one['constraints']) != len(other['constraints']):
        return False
    return _same_set(one['constraints'], other['constraints'], renaming)


class _Renaming:
    """A one-to-one map from the variables of one term to those of another."""

    def __init__(self, there: dict[str, str], back: dict[str, str]):
        self.there = there
        self.back = back

    def copy(self) -> _Renaming:
        return _Renaming(dict(self.there), dict(self.back))

    def add(self, one: str, other: str) -> bool:
        """Map one name to another; whether that agrees with what is mapped already."""
        return self.there.setdefault(one, other) == other and self.back.setdefault(other, one) == one


def _same_set(ones: list[Json], others: list[Json], renaming: _Renaming) -> bool:
    """Whether constraints can be paired so that one renaming makes each pair equal; tries pairs in turn."""
    if not ones:
        return True
    for position, other in enumerate(others):
        further = _unify(ones[0], other, renaming.copy())
        if further is not None and _same_set(ones[1:], others[:position] + others[position + 1 :], further):
            return True
    return False


def _unify(one: Json, other: Json, renaming: _Renaming) -> _Renaming | None:
    """`renaming`, extended so that it makes two JSON terms equal; `None` if it cannot be."""
    pairs = [(one, other)]
    while pairs:
        a, b = pairs.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            if a.keys() != b.keys():
                return None
            if a.get('node') == 'KVariable' and b.get('node') == 'KVariable':
                if a.get('sort') != b.get('sort') or not renaming.add(a['name'], b['name']):
                    return None
                continue
            pairs += [(a[key], b[key]) for key in a]
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return None
            pairs += zip(a, b, strict=True)
        elif a != b:
            return None
    return renaming


def _variables(term: Json) -> Iterator[str]:
    pending = [term]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value.get('node') == 'KVariable':
                yield value['name']
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _short(value: object) -> str:
    text = ', '.join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 100 else f'{text[:97]}...'
