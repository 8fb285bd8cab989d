"""Builtin functions on values: BOOL, INT, KEQUAL, MAP, LIST, SET, and the plain ones of STRING.

A hook takes the evaluated arguments, strictly: an argument without a value never arrives here. It returns the value,
raises `NoValue` where K gives none, `Undecided` where K leaves the answer open (an order, a choice), and `None` where
the function is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .terms import (
    DV,
    ListValue,
    MapValue,
    NoValue,
    SetValue,
    Undecided,
    boolean,
    integer,
    is_opaque,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from .definition import Definition
    from .terms import Term

_BITS: Final = 1 << 16
"""Integers of more bits are not computed."""


class NotKnown(Exception):
    """A part of an argument that the function looks at is not known."""


@dataclass(frozen=True)
class Call:
    """A call of a hook.

    Attributes:
        same: Whether two values are equal; raises `Undecided`.
        sort: Of the result.
    """

    definition: Definition
    same: Callable[[Term, Term], bool]
    sort: str
    args: tuple[Term, ...]

    def as_int(self, position: int) -> int:
        value = self.args[position]
        if not isinstance(value, DV):
            raise NotKnown
        return int(value.value)

    def as_bool(self, position: int) -> bool:
        value = self.args[position]
        if not isinstance(value, DV):
            raise NotKnown
        return value.value == 'true'

    def as_text(self, position: int) -> str:
        value = self.args[position]
        if not isinstance(value, DV):
            raise NotKnown
        return value.value

    def as_list(self, position: int) -> ListValue:
        value = self.args[position]
        if not isinstance(value, ListValue):
            raise NotKnown
        return value

    def as_map(self, position: int) -> MapValue:
        value = self.args[position]
        if not isinstance(value, MapValue) or any(map(is_opaque, value.items)):
            raise NotKnown
        return value

    def as_set(self, position: int) -> SetValue:
        value = self.args[position]
        if not isinstance(value, SetValue) or value.opaque:
            raise NotKnown
        return value

    def as_key(self, position: int) -> Term:
        value = self.args[position]
        if is_opaque(value):
            raise NotKnown
        return value


def call(
    hook: str, definition: Definition, same: Callable[[Term, Term], bool], sort: str, args: tuple[Term, ...]
) -> Term | None:
    """The value of a hook, `None` if it is not known here.

    Raises:
        NoValue, Undecided: as said above.
        NotKnown: an argument is not known in a part that matters.
    """
    function = _HOOKS.get(hook)
    return None if function is None else function(Call(definition, same, sort, args))


def _quotient(left: int, right: int) -> int:
    """Rounded towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divisor(c: Call) -> int:
    divisor = c.as_int(1)
    if divisor == 0:
        raise NoValue('a division by zero')
    return divisor


def _tdiv(c: Call) -> Term:
    return integer(_quotient(c.as_int(0), _divisor(c)))


def _tmod(c: Call) -> Term:
    left, right = c.as_int(0), _divisor(c)
    return integer(left - right * _quotient(left, right))


def _ediv(c: Call) -> Term:
    left, right = c.as_int(0), _divisor(c)
    return integer((left - left % abs(right)) // right)


def _emod(c: Call) -> Term:
    return integer(c.as_int(0) % abs(_divisor(c)))


def _pow(c: Call) -> Term:
    base, exponent = c.as_int(0), c.as_int(1)
    if exponent < 0:
        raise NoValue('a negative exponent')
    if base.bit_length() * exponent > _BITS:
        raise Undecided('a power that is too great')
    return integer(base**exponent)


def _powmod(c: Call) -> Term | None:
    base, exponent, modulus = c.as_int(0), c.as_int(1), c.as_int(2)
    return integer(pow(base, exponent, modulus)) if exponent >= 0 and modulus > 0 else None


def _shift(c: Call) -> int:
    distance = c.as_int(1)
    if distance < 0:
        raise Undecided('a negative shift')
    return distance


def _shl(c: Call) -> Term:
    distance = _shift(c)
    if distance + c.as_int(0).bit_length() > _BITS:
        raise Undecided('a shift that is too great')
    return integer(c.as_int(0) << distance)


def _log2(c: Call) -> Term:
    if c.as_int(0) <= 0:
        raise NoValue('a logarithm of what is not positive')
    return integer(c.as_int(0).bit_length() - 1)


def _ite(c: Call) -> Term:
    return c.args[1] if c.as_bool(0) else c.args[2]


def _same(c: Call) -> Term:
    try:
        return boolean(c.same(c.args[0], c.args[1]))
    except Undecided as err:
        raise NotKnown from err


def _different(c: Call) -> Term:
    try:
        return boolean(not c.same(c.args[0], c.args[1]))
    except Undecided as err:
        raise NotKnown from err


# -- maps ---------------------------------------------------------------------------------------------------------


def _lookup(c: Call) -> Term:
    items = c.as_map(0).items
    if c.as_key(1) not in items:
        raise NoValue('a lookup of a key that is not there')
    return items[c.as_key(1)]


def _lookup_or_default(c: Call) -> Term:
    return c.as_map(0).items.get(c.as_key(1), c.args[2])


def _map_update(c: Call) -> Term:
    return MapValue(c.sort, {**c.as_map(0).items, c.as_key(1): c.args[2]})


def _map_remove(c: Call) -> Term:
    key = c.as_key(1)
    return MapValue(c.sort, {other: value for other, value in c.as_map(0).items.items() if other != key})


def _map_difference(c: Call) -> Term:
    right = c.as_map(1).items
    kept = {}
    for key, value in c.as_map(0).items.items():
        if key not in right:
            kept[key] = value
        elif not c.same(right[key], value):
            return _other_entry(key)
    return MapValue(c.sort, kept)


def _other_entry(key: Term) -> Term:
    raise Undecided(f'a difference of maps that have {key!r} with other values')


def _keys(c: Call) -> Term:
    return SetValue(c.sort, c.as_map(0).items)


def _keys_list(c: Call) -> Term:
    return _open_order(c, list(c.as_map(0).items))


def _values(c: Call) -> Term:
    return _open_order(c, list(c.as_map(0).items.values()))


def _open_order(c: Call, items: list[Term]) -> Term:
    if len(items) > 1 and any(item != items[0] for item in items):
        raise Undecided('an order that K leaves open')
    return ListValue(c.sort, items)


def _in_keys(c: Call) -> Term:
    return boolean(c.as_key(0) in c.as_map(1).items)


def _map_size(c: Call) -> Term:
    return integer(len(c.as_map(0).items))


def _map_update_all(c: Call) -> Term:
    return MapValue(c.sort, {**c.as_map(0).items, **c.as_map(1).items})


def _map_remove_all(c: Call) -> Term:
    gone = c.as_set(1).items
    return MapValue(c.sort, {key: value for key, value in c.as_map(0).items.items() if key not in gone})


def _map_inclusion(c: Call) -> Term:
    right = c.as_map(1).items
    return boolean(all(key in right and c.same(right[key], value) for key, value in c.as_map(0).items.items()))


def _map_choice(c: Call) -> Term:
    return _choice(list(c.as_map(0).items))


def _choice(items: list[Term]) -> Term:
    if not items:
        raise NoValue('a choice from nothing')
    if len(items) > 1:
        raise Undecided('a choice that K leaves open')
    return items[0]


# -- lists --------------------------------------------------------------------------------------------------------


def _index(c: Call, items: tuple[Term, ...]) -> int:
    index = c.as_int(1)
    if not -len(items) <= index < len(items):
        raise NoValue('an index that a list does not have')
    return index % len(items)


def _list_get(c: Call) -> Term:
    items = c.as_list(0).items
    return items[_index(c, items)]


def _list_update(c: Call) -> Term:
    items = c.as_list(0).items
    if c.as_int(1) < 0:
        raise Undecided('an update at a negative index')
    index = _index(c, items)
    return ListValue(c.sort, (*items[:index], c.args[2], *items[index + 1 :]))


def _list_range(c: Call) -> Term:
    items, front, back = c.as_list(0).items, c.as_int(1), c.as_int(2)
    if front < 0 or back < 0:
        raise Undecided('a range with a negative bound')
    if front + back > len(items):
        raise NoValue('a range that a list does not have')
    return ListValue(c.sort, items[front : len(items) - back])


def _list_size(c: Call) -> Term:
    return integer(len(c.as_list(0).items))


def _list_in(c: Call) -> Term:
    items = c.as_list(1).items
    if c.as_key(0) in items:
        return boolean(True)
    return boolean(any(c.same(item, c.args[0]) for item in items))


def _list_make(c: Call) -> Term:
    if c.as_int(0) < 0:
        raise NoValue('a list of a negative length')
    if c.as_int(0) > _BITS:
        raise Undecided('a list that is too long')
    return ListValue(c.sort, [c.args[1]] * c.as_int(0))


def _list_push(c: Call) -> Term:
    return ListValue(c.sort, (c.args[0], *c.as_list(1).items))


# -- sets ---------------------------------------------------------------------------------------------------------


def _set_in(c: Call) -> Term:
    return boolean(c.as_key(0) in c.as_set(1).items)


def _set_difference(c: Call) -> Term:
    return SetValue(c.sort, c.as_set(0).items - c.as_set(1).items)


def _set_union(c: Call) -> Term:
    return SetValue(c.sort, c.as_set(0).items | c.as_set(1).items)


def _set_intersection(c: Call) -> Term:
    return SetValue(c.sort, c.as_set(0).items & c.as_set(1).items)


def _set_inclusion(c: Call) -> Term:
    return boolean(c.as_set(0).items <= c.as_set(1).items)


def _set_size(c: Call) -> Term:
    return integer(len(c.as_set(0).items))


def _set_to_list(c: Call) -> Term:
    return _open_order(c, list(c.as_set(0).items))


def _list_to_set(c: Call) -> Term:
    if c.as_list(0).opaque:
        raise NotKnown
    return SetValue(c.sort, c.as_list(0).items)


def _set_choice(c: Call) -> Term:
    return _choice(list(c.as_set(0).items))


# -- strings ------------------------------------------------------------------------------------------------------


def _substr(c: Call) -> Term | None:
    text, start, end = c.as_text(0), c.as_int(1), c.as_int(2)
    return DV(c.sort, text[start:end]) if 0 <= start <= end <= len(text) else None


_HOOKS: Final[dict[str, Callable[[Call], Term | None]]] = {
    'BOOL.and': lambda c: boolean(c.as_bool(0) and c.as_bool(1)),
    'BOOL.andThen': lambda c: boolean(c.as_bool(0) and c.as_bool(1)),
    'BOOL.or': lambda c: boolean(c.as_bool(0) or c.as_bool(1)),
    'BOOL.orElse': lambda c: boolean(c.as_bool(0) or c.as_bool(1)),
    'BOOL.xor': lambda c: boolean(c.as_bool(0) != c.as_bool(1)),
    'BOOL.implies': lambda c: boolean(not c.as_bool(0) or c.as_bool(1)),
    'BOOL.not': lambda c: boolean(not c.as_bool(0)),
    'BOOL.eq': _same,
    'BOOL.ne': _different,
    'KEQUAL.eq': _same,
    'KEQUAL.ne': _different,
    'KEQUAL.ite': _ite,
    'INT.add': lambda c: integer(c.as_int(0) + c.as_int(1)),
    'INT.sub': lambda c: integer(c.as_int(0) - c.as_int(1)),
    'INT.mul': lambda c: integer(c.as_int(0) * c.as_int(1)),
    'INT.tdiv': _tdiv,
    'INT.tmod': _tmod,
    'INT.ediv': _ediv,
    'INT.emod': _emod,
    'INT.pow': _pow,
    'INT.powmod': _powmod,
    'INT.and': lambda c: integer(c.as_int(0) & c.as_int(1)),
    'INT.or': lambda c: integer(c.as_int(0) | c.as_int(1)),
    'INT.xor': lambda c: integer(c.as_int(0) ^ c.as_int(1)),
    'INT.not': lambda c: integer(~c.as_int(0)),
    'INT.shl': _shl,
    'INT.shr': lambda c: integer(c.as_int(0) >> _shift(c)),
    'INT.abs': lambda c: integer(abs(c.as_int(0))),
    'INT.min': lambda c: integer(min(c.as_int(0), c.as_int(1))),
    'INT.max': lambda c: integer(max(c.as_int(0), c.as_int(1))),
    'INT.log2': _log2,
    'INT.eq': _same,
    'INT.ne': _different,
    'INT.lt': lambda c: boolean(c.as_int(0) < c.as_int(1)),
    'INT.le': lambda c: boolean(c.as_int(0) <= c.as_int(1)),
    'INT.gt': lambda c: boolean(c.as_int(0) > c.as_int(1)),
    'INT.ge': lambda c: boolean(c.as_int(0) >= c.as_int(1)),
    'MAP.lookup': _lookup,
    'MAP.lookupOrDefault': _lookup_or_default,
    'MAP.update': _map_update,
    'MAP.remove': _map_remove,
    'MAP.difference': _map_difference,
    'MAP.keys': _keys,
    'MAP.keys_list': _keys_list,
    'MAP.values': _values,
    'MAP.in_keys': _in_keys,
    'MAP.size': _map_size,
    'MAP.updateAll': _map_update_all,
    'MAP.removeAll': _map_remove_all,
    'MAP.inclusion': _map_inclusion,
    'MAP.choice': _map_choice,
    'LIST.get': _list_get,
    'LIST.update': _list_update,
    'LIST.range': _list_range,
    'LIST.size': _list_size,
    'LIST.in': _list_in,
    'LIST.make': _list_make,
    'LIST.push': _list_push,
    'SET.in': _set_in,
    'SET.difference': _set_difference,
    'SET.union': _set_union,
    'SET.intersection': _set_intersection,
    'SET.inclusion': _set_inclusion,
    'SET.size': _set_size,
    'SET.set2list': _set_to_list,
    'SET.list2set': _list_to_set,
    'SET.choice': _set_choice,
    'STRING.concat': lambda c: DV(c.sort, c.as_text(0) + c.as_text(1)),
    'STRING.length': lambda c: integer(len(c.as_text(0))),
    'STRING.eq': _same,
    'STRING.ne': _different,
    'STRING.substr': _substr,
}
