"""K terms as canonical JSON and from JSON, with the results of pyk's `to_dict` and `from_dict`.

Canonical JSON is what `codec.canonical` writes: sorted keys, no white space, ASCII. The text is made at once, without
the dictionaries between. The reader makes one term of all equal ones, as those that are shared are converted once.
Both keep their own stack, so depth is no matter; what they do not know is left to pyk.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KInner, KLabel, KSequence, KSort, KToken, KVariable

from .collector import without_collector
from .deep_json import dumps
from .signatures import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from pyk.cterm.cterm import CTerm

_CACHED_TERMS: Final = 100_000
_CACHED_CHARACTERS: Final = 16 << 20
_CACHED_NAMES: Final = 50_000


class TermWriter:
    """Writes terms as canonical JSON texts. For one thread."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._sorts: dict[str, str] = {}

    @without_collector
    def cterm(self, cterm: CTerm) -> str:
        """The canonical JSON text of `CTerm.to_dict()`."""
        constraints = ','.join(map(self.write, cterm.constraints))
        return f'{{"config":{self.write(cterm.config)},"constraints":[{constraints}]}}'

    @without_collector
    def write(self, term: KInner) -> str:
        """The canonical JSON text of `KInner.to_dict()`."""
        if len(self._labels) > _CACHED_NAMES or len(self._sorts) > _CACHED_NAMES:
            self._labels.clear()
            self._sorts.clear()
        out: list[str] = []
        stack: list[KInner | str] = [term]
        while stack:
            entry = stack.pop()
            if type(entry) is str:
                out.append(entry)
            elif type(entry) is KApply:
                arguments = entry.args
                label = self._labels.get(entry.label.name) if not entry.label.params else self._label(entry.label)
                if label is None:
                    label = self._labels[entry.label.name] = self._label(entry.label)
                tail = f'],"arity":{len(arguments)},"label":{label},"node":"KApply","variable":false}}'
                if arguments:
                    out.append('{"args":[')
                    stack.append(tail)
                    for argument in reversed(arguments[1:]):
                        stack.append(argument)
                        stack.append(',')
                    stack.append(arguments[0])
                else:
                    out.append('{"args":[' + tail)
            elif type(entry) is KToken:
                token = encode_basestring_ascii(entry.token)
                out.append(f'{{"node":"KToken","sort":{self._sort(entry.sort)},"token":{token}}}')
            elif type(entry) is KVariable:
                sort = f',"sort":{self._sort(entry.sort)}' if entry.sort is not None else ''
                out.append(f'{{"name":{encode_basestring_ascii(entry.name)},"node":"KVariable"{sort}}}')
            elif type(entry) is KSequence:
                items = entry.items
                out.append(f'{{"arity":{len(items)},"items":[')
                stack.append('],"node":"KSequence"}')
                for item in reversed(items[1:]):
                    stack.append(item)
                    stack.append(',')
                stack.extend(items[:1])
            elif not isinstance(entry, str):
                out.append(_canonical(entry.to_dict()))  # pyk writes what is rare
        return ''.join(out)

    def _label(self, label: KLabel) -> str:
        return _canonical(label.to_dict())

    def _sort(self, sort: KSort) -> str:
        if sort.params:
            return _canonical(sort.to_dict())
        known = self._sorts.get(sort.name)
        if known is None:
            known = self._sorts[sort.name] = _canonical(sort.to_dict())
        return known


class TermReader:
    """Reads terms; equal ones are one object, until there are so many that all are forgotten. For one thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], KInner] = {}
        self._characters = 0
        self._labels: dict[str, KLabel] = {}
        self._sorts: dict[str, KSort] = {}

    @without_collector
    def read(self, dct: Mapping[str, Any]) -> KInner:
        """What pyk's `KInner.from_dict` gives. Raises what that raises."""
        try:
            return self._read(dct)
        except (Unsupported, KeyError, TypeError, AttributeError, ValueError):
            return KInner.from_dict(dct)

    def forget(self) -> None:
        """Drop all terms."""
        self._known.clear()
        self._characters = 0

    def _read(self, root: Mapping[str, Any]) -> KInner:
        if len(self._known) > _CACHED_TERMS or self._characters > _CACHED_CHARACTERS:
            self.forget()
        if len(self._labels) > _CACHED_NAMES or len(self._sorts) > _CACHED_NAMES:
            self.forget()
            self._labels.clear()
            self._sorts.clear()
        order: list[tuple[Mapping[str, Any], int]] = []
        stack = [root]
        while stack:
            dct = stack.pop()
            node = dct['node']
            parts = dct['args'] if node == 'KApply' else dct['items'] if node == 'KSequence' else ()
            order.append((dct, len(parts)))
            stack.extend(parts)
        known = self._known
        done: list[KInner] = []
        key: tuple[Any, ...]
        for dct, count in reversed(order):
            terms: tuple[KInner, ...] = ()
            if count:
                terms = tuple(done[len(done) - count :])
                del done[len(done) - count :]
            node = dct['node']
            if node == 'KApply':
                label = dct['label']
                if label['params']:
                    params = tuple(map(self._sort, label['params']))
                    key = (label['name'], *map(id, params), *map(id, terms), len(params))
                else:
                    params = ()
                    key = (label['name'], *map(id, terms))
                term = known.get(key)
                if term is None:
                    term = known[key] = KApply(KLabel(label['name'], params) if params else self._label(label), terms)
            elif node == 'KToken':
                sort, token = self._sort(dct['sort']), dct['token']
                key = ('', id(sort), token)
                term = known.get(key)
                if term is None:
                    self._characters += len(token)
                    term = known[key] = KToken(token, sort)
            elif node == 'KVariable':
                sort_or_none = self._sort(dct['sort']) if 'sort' in dct else None
                key = ('', id(sort_or_none), dct['name'], '')
                term = known.get(key)
                if term is None:
                    term = known[key] = KVariable(dct['name'], sort_or_none)
            elif node == 'KSequence':
                key = ('', *map(id, terms), '')
                term = known.get(key)
                if term is None:
                    term = known[key] = KSequence(terms)
            else:
                raise Unsupported(f'a term of the kind {node}')
            done.append(term)
        (term,) = done
        return term

    def _label(self, dct: Mapping[str, Any]) -> KLabel:
        name = dct['name']
        known = self._labels.get(name)
        if known is None:
            known = self._labels[name] = KLabel(name)
        return known

    def _sort(self, dct: Mapping[str, Any]) -> KSort:
        if dct.get('params'):
            raise Unsupported('a sort with sort parameters')
        name = dct['name']
        known = self._sorts.get(name)
        if known is None:
            known = self._sorts[name] = KSort(name)
        return known


def _canonical(value: Any) -> str:
    return dumps(value, sort_keys=True, separators=(',', ':'))
