"""Every hook at the border of what it defines and beyond it, for symbols declared total and for partial ones.

`TABLE` has a row for each question: hook, arguments, and what comes of it. `NONE` says that there is no value: the
application of a partial symbol is bottom, that of a total one stays a term. `OPEN` says that K leaves it open, and the
term stays.
`Total(value)` is a value that only a symbol declared total has; a partial one's application stays a term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from fuzzing import TIMES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kore_small import DEFINITION, HOOKS, configuration, rule
from test_hooks_collections import HOOKS as COLLECTION_HOOKS
from test_hooks_collections import POINTS, L, M, S, _list, _map, _set, arguments, instance, item
from test_hooks_numbers import BIG, LITTLE, SIGNED, THEORY, UNSIGNED
from test_hooks_numbers import term as literal

from kprover.server.budget import Budget
from kprover.server.engine import Engine
from kprover.server.errors import PatternError
from kprover.server.externalise import term_to_json
from kprover.server.hooks import EVALUATORS
from kprover.server.hooks.partial import ALWAYS, condition
from kprover.server.internalise import Reader
from kprover.server.params import ExecuteParams
from kprover.server.parse import parse_definition
from kprover.server.predicates import P_BOTTOM, Equal, Not, Truth
from kprover.server.smt import Result, Solver
from kprover.server.symbols import BYTES, INT, KITEM, STRING, Attributes, Symbol, sort
from kprover.server.terms import BOTTOM, DV, FALSE, TRUE, Term, app, dv, inj, klist, kmap, kset, var

if TYPE_CHECKING:
    from kprover.server.predicates import Predicate
    from kprover.server.signature import Signature

LIST, MAP, SET = sort('SortList'), sort('SortMap'), sort('SortSet')
ID = sort('SortId')
X = var('VarX', INT)
HUGE: Final = 1 << 80


class Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NONE, OPEN = Mark('NONE'), Mark('OPEN')


@dataclass(frozen=True)
class Total:
    value: Any


def t(value: Any) -> Term:
    """Return the term of a row's argument or value: lists, sets and dictionaries of items are K's."""
    if isinstance(value, list):
        return klist(LIST, [(True, item(one)) for one in value])
    if isinstance(value, (set, frozenset)):
        return kset(SET, [item(one) for one in value])
    if isinstance(value, dict):
        return kmap(MAP, {item(key): item(one) for key, one in value.items()})
    if isinstance(value, Item):
        return item(value.value)
    if isinstance(value, Token):
        return dv(ID, value.text)
    return literal(value)


@dataclass(frozen=True)
class Item:
    """A value as an item of a collection."""

    value: int | str


@dataclass(frozen=True)
class Token:
    text: str


def _k(value: int | str) -> Term:
    return app(THEORY.symbol('kseq'), (item(value), app(THEORY.symbol('dotk'), ())))


I = Item  # noqa: E741
AB: Final = b'ab'
ONE: Final = {1: 5}
TWO: Final = {1: 5, 2: 6}

TABLE: Final[list[tuple[str, tuple[Any, ...], Any]]] = [
    *((f'BOOL.{name}', (a, b), value) for name, a, b, value in [
        ('and', True, False, False), ('and', True, True, True), ('or', False, False, False), ('or', True, False, True),
        ('andThen', False, True, False), ('andThen', True, True, True), ('orElse', True, False, True),
        ('orElse', False, False, False), ('implies', True, False, False), ('implies', False, False, True),
        ('xor', True, True, False), ('xor', True, False, True), ('eq', True, True, True), ('eq', True, False, False),
        ('ne', True, True, False), ('ne', True, False, True),
    ]),
    ('BOOL.not', (True,), False),
    ('BOOL.not', (False,), True),
    ('INT.add', (-1, 1), 0),
    ('INT.sub', (0, 1), -1),
    ('INT.mul', (-3, 0), 0),
    ('INT.and', (-1, 6), 6),
    ('INT.or', (-8, 7), -1),
    ('INT.xor', (-1, 6), -7),
    ('INT.min', (-1, 0), -1),
    ('INT.max', (-1, 0), 0),
    ('INT.not', (0,), -1),
    ('INT.abs', (-1,), 1),
    *((f'INT.{name}', (2, 2), value) for name, value in [
        ('lt', False), ('le', True), ('gt', False), ('ge', True), ('eq', True), ('ne', False)
    ]),
    *((f'INT.{name}', (-7, 0), NONE) for name in ('tdiv', 'tmod', 'ediv', 'emod')),
    *((f'INT.{name}', (0, 0), NONE) for name in ('tdiv', 'tmod', 'ediv', 'emod')),
    *((f'INT.{name}', (-7, -2), value) for name, value in [('tdiv', 3), ('tmod', -1), ('ediv', 4), ('emod', 1)]),
    *((f'INT.{name}', (-7, 2), value) for name, value in [('tdiv', -3), ('tmod', -1), ('ediv', -4), ('emod', 1)]),
    *((f'INT.{name}', (-7, 1), value) for name, value in [('tdiv', -7), ('tmod', 0), ('ediv', -7), ('emod', 0)]),
    ('INT.pow', (0, 0), 1),
    ('INT.pow', (-2, 3), -8),
    ('INT.pow', (2, -1), NONE),
    ('INT.pow', (1, -1), NONE),
    ('INT.pow', (2, HUGE), OPEN),
    ('INT.powmod', (3, 0, 1), 0),
    ('INT.powmod', (3, 4, 5), 1),
    ('INT.powmod', (3, 4, -5), 1),
    ('INT.powmod', (3, 4, 0), NONE),
    ('INT.powmod', (3, -1, 5), 2),
    ('INT.powmod', (2, -1, 4), NONE),
    ('INT.powmod', (2, -1, 1), OPEN),
    ('INT.powmod', (2, -1, -1), OPEN),
    ('INT.log2', (1,), 0),
    ('INT.log2', (255,), 7),
    ('INT.log2', (256,), 8),
    ('INT.log2', (0,), NONE),
    ('INT.log2', (-4,), NONE),
    ('INT.shl', (-3, 0), -3),
    ('INT.shl', (-3, 2), -12),
    ('INT.shl', (-3, -1), OPEN),
    ('INT.shl', (0, -1), OPEN),
    ('INT.shl', (1, HUGE), OPEN),
    ('INT.shr', (-3, 0), -3),
    ('INT.shr', (-3, 1), -2),
    ('INT.shr', (-3, HUGE), -1),
    ('INT.shr', (-3, -1), OPEN),
    ('INT.bitRange', (-1, 0, 8), 255),
    ('INT.bitRange', (-1, HUGE, 8), 255),
    ('INT.bitRange', (5, 0, 0), 0),
    ('INT.bitRange', (5, -1, 8), OPEN),
    ('INT.bitRange', (5, 0, -1), OPEN),
    ('INT.bitRange', (-1, 0, HUGE), OPEN),
    ('INT.signExtendBitRange', (128, 0, 8), -128),
    ('INT.signExtendBitRange', (127, 0, 8), 127),
    ('INT.signExtendBitRange', (1, 0, 1), -1),
    ('INT.signExtendBitRange', (5, 0, 0), 0),
    ('INT.signExtendBitRange', (5, -1, 8), OPEN),
    ('INT.signExtendBitRange', (5, 0, -1), OPEN),
    ('KEQUAL.eq', (_k(1), _k(1)), True),
    ('KEQUAL.eq', (_k(1), _k('1')), False),
    ('KEQUAL.ne', (_k(1), _k(1)), False),
    ('KEQUAL.ne', (_k(1), _k('1')), True),
    ('MAP.lookup', (ONE, I(1)), I(5)),
    ('MAP.lookup', (ONE, I(2)), NONE),
    ('MAP.lookup', ({}, I(1)), NONE),
    ('MAP.lookupOrDefault', (ONE, I(1), I(7)), I(5)),
    ('MAP.lookupOrDefault', ({}, I(1), I(7)), I(7)),
    ('MAP.update', ({}, I(1), I(5)), ONE),
    ('MAP.update', (ONE, I(1), I(6)), {1: 6}),
    ('MAP.updateAll', ({}, ONE), ONE),
    ('MAP.updateAll', (TWO, {2: 7}), {1: 5, 2: 7}),
    ('MAP.remove', (ONE, I(1)), {}),
    ('MAP.remove', (ONE, I(2)), ONE),
    ('MAP.remove', ({}, I(2)), {}),
    ('MAP.removeAll', (TWO, {1, 3}), {2: 6}),
    ('MAP.removeAll', ({}, {1}), {}),
    ('MAP.difference', (TWO, {1: 5, 3: 5}), {2: 6}),
    ('MAP.difference', (TWO, {1: 6}), TWO),
    ('MAP.in_keys', (I(1), ONE), True),
    ('MAP.in_keys', (I(2), ONE), False),
    ('MAP.in_keys', (I('1'), ONE), False),
    ('MAP.keys', ({},), set()),
    ('MAP.keys', (TWO,), {1, 2}),
    ('MAP.keys_list', ({},), []),
    ('MAP.keys_list', (ONE,), [1]),
    ('MAP.keys_list', (TWO,), OPEN),
    ('MAP.values', ({},), []),
    ('MAP.values', (ONE,), [5]),
    ('MAP.values', ({1: 5, 2: 5},), [5, 5]),
    ('MAP.values', (TWO,), OPEN),
    ('MAP.size', ({},), 0),
    ('MAP.size', (TWO,), 2),
    ('MAP.inclusion', ({}, ONE), True),
    ('MAP.inclusion', (ONE, TWO), True),
    ('MAP.inclusion', (TWO, ONE), False),
    ('MAP.inclusion', ({1: 6}, TWO), False),
    ('MAP.choice', ({},), NONE),
    ('MAP.choice', (ONE,), I(1)),
    ('MAP.choice', (TWO,), OPEN),
    ('SET.in', (I(1), {1}), True),
    ('SET.in', (I(1), set()), False),
    ('SET.difference', ({1, 2}, {2, 3}), {1}),
    ('SET.intersection', ({1, 2}, {2, 3}), {2}),
    ('SET.union', ({1, 2}, {2, 3}), {1, 2, 3}),
    ('SET.inclusion', (set(), {1}), True),
    ('SET.inclusion', ({1, 2}, {1}), False),
    ('SET.size', (set(),), 0),
    ('SET.size', ({1, 2},), 2),
    ('SET.choice', (set(),), NONE),
    ('SET.choice', ({1},), I(1)),
    ('SET.choice', ({1, 2},), OPEN),
    ('SET.set2list', (set(),), []),
    ('SET.set2list', ({1},), [1]),
    ('SET.set2list', ({1, 2},), OPEN),
    ('SET.list2set', ([],), set()),
    ('SET.list2set', ([1, 2, 1],), {1, 2}),
    ('LIST.get', ([7, 8], 1), I(8)),
    ('LIST.get', ([7, 8], 2), NONE),
    ('LIST.get', ([7, 8], -2), I(7)),
    ('LIST.get', ([7, 8], -3), NONE),
    ('LIST.get', ([], 0), NONE),
    ('LIST.get', ([], -1), NONE),
    ('LIST.get', ([7], HUGE), NONE),
    ('LIST.update', ([7, 8], 1, I(9)), [7, 9]),
    ('LIST.update', ([7, 8], 2, I(9)), NONE),
    ('LIST.update', ([7, 8], -1, I(9)), NONE),
    ('LIST.updateAll', ([7, 8], 1, [9]), [7, 9]),
    ('LIST.updateAll', ([7, 8], 0, [1, 2]), [1, 2]),
    ('LIST.updateAll', ([7, 8], 2, [9]), NONE),
    ('LIST.updateAll', ([7, 8], 0, [1, 2, 3]), NONE),
    ('LIST.updateAll', ([7, 8], -1, [9]), NONE),
    ('LIST.updateAll', ([7, 8], 2, []), [7, 8]),
    ('LIST.updateAll', ([7, 8], 3, []), OPEN),
    ('LIST.updateAll', ([7, 8], -1, []), NONE),
    ('LIST.fill', ([7, 8], 1, 1, I(9)), [7, 9]),
    ('LIST.fill', ([7, 8], 0, 2, I(9)), [9, 9]),
    ('LIST.fill', ([7, 8], 1, 2, I(9)), NONE),
    ('LIST.fill', ([7, 8], 2, 1, I(9)), NONE),
    ('LIST.fill', ([7, 8], -1, 1, I(9)), NONE),
    ('LIST.fill', ([7, 8], 0, -1, I(9)), NONE),
    ('LIST.fill', ([7, 8], 2, 0, I(9)), [7, 8]),
    ('LIST.fill', ([7, 8], 3, 0, I(9)), OPEN),
    ('LIST.fill', ([7, 8], 0, 3, I(9)), OPEN),
    ('LIST.range', ([7, 8, 9], 1, 1), [8]),
    ('LIST.range', ([7, 8, 9], 0, 0), [7, 8, 9]),
    ('LIST.range', ([7, 8, 9], 3, 0), []),
    ('LIST.range', ([7, 8, 9], 2, 2), NONE),
    ('LIST.range', ([7, 8, 9], 4, 0), NONE),
    ('LIST.range', ([7, 8, 9], -1, 0), NONE),
    ('LIST.range', ([7, 8, 9], 0, -1), NONE),
    ('LIST.range', ([], 0, 0), []),
    ('LIST.size', ([],), 0),
    ('LIST.size', ([7, 7],), 2),
    ('LIST.in', (I(7), [7]), True),
    ('LIST.in', (I(7), []), False),
    ('LIST.make', (0, I(7)), []),
    ('LIST.make', (2, I(7)), [7, 7]),
    ('LIST.make', (-1, I(7)), NONE),
    ('LIST.make', (HUGE, I(7)), OPEN),
    ('LIST.push', (I(7), []), [7]),
    ('STRING.concat', ('', 'a'), 'a'),
    ('STRING.length', ('',), 0),
    ('STRING.length', ('aß\U0001f600',), 3),
    *((f'STRING.{name}', ('a', 'ab'), value) for name, value in [
        ('lt', True), ('le', True), ('gt', False), ('ge', False), ('eq', False), ('ne', True)
    ]),
    ('STRING.lt', ('\uffff', '\U00010000'), True),
    ('STRING.substr', ('a\U0001f600c', 1, 2), '\U0001f600'),
    ('STRING.substr', ('abc', 0, 3), 'abc'),
    ('STRING.substr', ('abc', 3, 3), ''),
    ('STRING.substr', ('abc', 0, 4), Total('abc')),
    ('STRING.substr', ('abc', 2, 4), Total('c')),
    ('STRING.substr', ('abc', 4, 6), Total('')),
    ('STRING.substr', ('abc', 2, 1), Total('')),
    ('STRING.substr', ('abc', -1, 1), Total('ab')),
    ('STRING.substr', ('abc', -2, -1), Total('a')),
    ('STRING.substr', ('abc', 1, -1), Total('')),
    ('STRING.substr', ('abc', 0, HUGE), OPEN),
    ('STRING.substr', ('abc', -HUGE, 1), OPEN),
    ('STRING.find', ('abcb', 'b', 1), 1),
    ('STRING.find', ('abcb', 'b', 2), 3),
    ('STRING.find', ('abcb', 'b', 4), -1),
    ('STRING.find', ('abcb', 'b', 5), -1),
    ('STRING.find', ('\U0001f600b', 'b', 0), 1),
    ('STRING.find', ('abcb', 'b', -1), OPEN),
    ('STRING.find', ('abcb', '', 0), OPEN),
    ('STRING.rfind', ('abcb', 'b', 3), 3),
    ('STRING.rfind', ('abcb', 'b', 2), 1),
    ('STRING.rfind', ('abcb', 'b', 0), -1),
    ('STRING.rfind', ('abcb', 'b', 9), 3),
    ('STRING.rfind', ('abcb', 'b', -1), OPEN),
    ('STRING.rfind', ('abcb', '', 0), OPEN),
    ('STRING.findChar', ('abcb', 'cb', 2), 2),
    ('STRING.findChar', ('abcb', 'cb', 4), -1),
    ('STRING.findChar', ('abcb', 'cb', 5), -1),
    ('STRING.findChar', ('abcb', '', 0), -1),
    ('STRING.findChar', ('abcb', 'b', -1), OPEN),
    ('STRING.rfindChar', ('abcb', 'ca', 3), 2),
    ('STRING.rfindChar', ('abcb', 'ca', 1), 0),
    ('STRING.rfindChar', ('abcb', 'ca', 9), 2),
    ('STRING.rfindChar', ('abcb', '', 9), -1),
    ('STRING.rfindChar', ('', 'b', 0), -1),
    ('STRING.rfindChar', ('abcb', 'b', -1), OPEN),
    ('STRING.chr', (0,), '\0'),
    ('STRING.chr', (0x10FFFF,), '\U0010ffff'),
    ('STRING.chr', (0x110000,), NONE),
    ('STRING.chr', (-1,), NONE),
    ('STRING.chr', (0xD800,), OPEN),
    ('STRING.ord', ('\U0010ffff',), 0x10FFFF),
    ('STRING.ord', ('',), NONE),
    ('STRING.ord', ('ab',), NONE),
    ('STRING.string2int', ('-007',), -7),
    ('STRING.string2int', ('+7',), 7),
    ('STRING.string2int', ('',), NONE),
    ('STRING.string2int', ('-',), NONE),
    ('STRING.string2int', ('+-7',), NONE),
    ('STRING.string2int', (' 7',), NONE),
    ('STRING.string2int', ('1_0',), NONE),
    ('STRING.string2int', ('\u0663',), NONE),
    ('STRING.int2string', (-7,), '-7'),
    ('STRING.int2string', (0,), '0'),
    ('STRING.string2base', ('-Zz', 36), -1295),
    ('STRING.string2base', ('0b1', 16), 177),
    ('STRING.string2base', ('0x1', 16), NONE),
    ('STRING.string2base', ('0b1', 2), NONE),
    ('STRING.string2base', ('2', 2), NONE),
    ('STRING.string2base', ('', 10), NONE),
    ('STRING.string2base', ('\u212a', 36), NONE),
    ('STRING.string2base', ('1', 1), OPEN),
    ('STRING.string2base', ('1', 37), OPEN),
    ('STRING.string2base', ('1', 0), OPEN),
    ('STRING.base2string', (-255, 16), '-ff'),
    ('STRING.base2string', (0, 2), '0'),
    ('STRING.base2string', (35, 36), 'z'),
    ('STRING.base2string', (5, 1), OPEN),
    ('STRING.base2string', (5, 37), OPEN),
    ('STRING.base2string', (5, -2), OPEN),
    ('STRING.replace', ('aaa', 'a', 'b', 2), 'bba'),
    ('STRING.replace', ('aaa', 'a', 'b', 9), 'bbb'),
    ('STRING.replace', ('aaa', 'a', 'b', 0), 'aaa'),
    ('STRING.replace', ('aaa', 'a', 'b', -1), OPEN),
    ('STRING.replace', ('aaa', '', 'b', 1), OPEN),
    ('STRING.replace', ('aaa', '', 'b', 0), 'aaa'),
    ('STRING.replaceAll', ('aaa', 'aa', 'b'), 'ba'),
    ('STRING.replaceAll', ('aaa', '', 'b'), OPEN),
    ('STRING.replaceAll', ('', '', 'b'), OPEN),
    ('STRING.replaceFirst', ('aaa', 'a', 'b'), 'baa'),
    ('STRING.replaceFirst', ('aaa', 'c', 'b'), 'aaa'),
    ('STRING.replaceFirst', ('aaa', '', 'b'), OPEN),
    ('STRING.countAllOccurrences', ('aaa', 'aa'), 1),
    ('STRING.countAllOccurrences', ('', 'a'), 0),
    ('STRING.countAllOccurrences', ('aaa', ''), OPEN),
    ('STRING.string2token', ('a1',), Token('a1')),
    ('STRING.string2token', ('',), Token('')),
    ('STRING.token2string', (Token('a1'),), 'a1'),
    ('BYTES.empty', (), b''),
    ('BYTES.bytes2int', (b'', BIG, SIGNED), 0),
    ('BYTES.bytes2int', (b'\xff\x00', BIG, SIGNED), -256),
    ('BYTES.bytes2int', (b'\xff\x00', BIG, UNSIGNED), 65280),
    ('BYTES.bytes2int', (b'\xff\x00', LITTLE, SIGNED), 255),
    ('BYTES.int2bytes', (2, 258, BIG), b'\x01\x02'),
    ('BYTES.int2bytes', (1, 258, BIG), b'\x02'),
    ('BYTES.int2bytes', (2, -1, LITTLE), b'\xff\xff'),
    ('BYTES.int2bytes', (0, 258, BIG), b''),
    ('BYTES.int2bytes', (-1, 258, BIG), Total(b'')),
    ('BYTES.int2bytes', (-3, 0, LITTLE), Total(b'')),
    ('BYTES.int2bytes', (-HUGE, 1, BIG), OPEN),
    ('BYTES.int2bytes', (HUGE, 1, BIG), OPEN),
    ('BYTES.bytes2string', (b'\x00\xff',), '\x00\xff'),
    ('BYTES.string2bytes', ('\x00\xff',), b'\x00\xff'),
    ('BYTES.string2bytes', ('\u0100',), OPEN),
    ('BYTES.decodeBytes', ('UTF-8', b'\xc3\x9f'), 'ß'),
    ('BYTES.decodeBytes', ('UTF-8', b'\xff'), NONE),
    ('BYTES.decodeBytes', ('UTF-8', b'\xed\xa0\x80'), NONE),
    ('BYTES.decodeBytes', ('UTF-16LE', b'a'), NONE),
    ('BYTES.decodeBytes', ('UTF-32BE', b'\x00\x11\x00\x00'), NONE),
    ('BYTES.decodeBytes', ('latin-1', b'a'), OPEN),
    ('BYTES.encodeBytes', ('UTF-16BE', 'ß'), b'\x00\xdf'),
    ('BYTES.encodeBytes', ('latin-1', 'ß'), OPEN),
    ('BYTES.substr', (AB, 0, 2), AB),
    ('BYTES.substr', (AB, 2, 2), b''),
    ('BYTES.substr', (AB, 0, 3), NONE),
    ('BYTES.substr', (AB, 2, 1), NONE),
    ('BYTES.substr', (AB, -1, 1), NONE),
    ('BYTES.substr', (AB, 3, 3), NONE),
    ('BYTES.replaceAt', (AB, 1, b'x'), b'ax'),
    ('BYTES.replaceAt', (AB, 2, b''), AB),
    ('BYTES.replaceAt', (AB, 1, b'xy'), OPEN),
    ('BYTES.replaceAt', (AB, 2, b'x'), NONE),
    ('BYTES.replaceAt', (AB, -1, b'x'), NONE),
    ('BYTES.replaceAt', (AB, 3, b''), OPEN),
    ('BYTES.replaceAt', (AB, -1, b''), OPEN),
    *((f'BYTES.{name}', args, value) for name in ('padLeft', 'padRight') for args, value in [
        ((AB, 2, 0), AB), ((AB, 0, 255), AB), ((AB, -1, 0), OPEN), ((AB, 3, 256), OPEN), ((AB, 3, -1), OPEN),
        ((AB, 1, 256), OPEN), ((AB, HUGE, 0), OPEN),
    ]),
    ('BYTES.padLeft', (AB, 4, 255), b'\xff\xffab'),
    ('BYTES.padRight', (AB, 4, 255), b'ab\xff\xff'),
    ('BYTES.reverse', (AB,), b'ba'),
    ('BYTES.length', (b'',), 0),
    ('BYTES.length', (b'\xff\xff',), 2),
    ('BYTES.concat', (AB, b''), AB),
    ('BYTES.bytes2hex', (b'\x00\xff',), '00ff'),
    ('BYTES.get', (b'\xff', 0), 255),
    ('BYTES.get', (AB, 2), NONE),
    ('BYTES.get', (AB, -1), NONE),
    ('BYTES.update', (AB, 1, 255), b'a\xff'),
    ('BYTES.update', (AB, 1, 256), OPEN),
    ('BYTES.update', (AB, 1, -1), OPEN),
    ('BYTES.update', (AB, 2, 0), NONE),
    ('BYTES.update', (AB, -1, 0), NONE),
    ('BYTES.update', (AB, 2, 256), NONE),
    ('BYTES.memset', (AB, 0, 2, 127), b'\x7f\x7f'),
    ('BYTES.memset', (AB, 1, 1, -128), b'a\x80'),
    ('BYTES.memset', (AB, 2, 0, 0), AB),
    ('BYTES.memset', (AB, 0, 2, 128), OPEN),
    ('BYTES.memset', (AB, 0, 2, 256), NONE),
    ('BYTES.memset', (AB, 0, 2, -129), NONE),
    ('BYTES.memset', (AB, 1, 2, 0), NONE),
    ('BYTES.memset', (AB, -1, 1, 0), NONE),
    ('BYTES.memset', (AB, 0, -1, 0), NONE),
]  # fmt: skip
ROWS: Final = [pytest.param(*row, id=f'{row[0]}-{number}') for number, row in enumerate(TABLE)]
BUILT: Final = frozenset(
    {*(f'{kind}.{part}' for kind in ('MAP', 'SET', 'LIST') for part in ('unit', 'element', 'concat')), 'KEQUAL.ite'}
)
"""Hooks that `test_hooks_collections` tests: those that build collections, and the one with a sort parameter."""


def declared(hook: str, *, total: bool) -> Symbol:
    """Return the symbol of the small definition with another declaration."""
    found = THEORY.hook_symbol(hook)
    assert found is not None, hook
    attributes = Attributes(hook=hook, function=True, total=total)
    return Symbol(found.name, found.sort_args, found.arg_sorts, found.result, attributes)


def expected(value: Any, *, total: bool) -> Any:
    """Return what the hook of a total or partial symbol answers for a row's value."""
    if isinstance(value, Total):
        return t(value.value) if total else None
    if value is NONE:
        return None if total else BOTTOM
    return None if value is OPEN else t(value)


@pytest.mark.parametrize(('hook', 'values', 'value'), ROWS)
@pytest.mark.parametrize('total', [True, False])
def test_a_hook_at_its_border_and_beyond(hook: str, values: tuple[Any, ...], value: Any, total: bool) -> None:
    args = tuple(map(t, values))
    assert EVALUATORS[hook](THEORY, declared(hook, total=total), args) is expected(value, total=total)


def test_the_table_has_every_hook() -> None:
    assert {hook for hook, _, _ in TABLE} | BUILT == EVALUATORS.keys()
    bordered = {hook for hook, _, value in TABLE if value in (NONE, OPEN) or isinstance(value, Total)}
    always_decided = ALWAYS - {'MAP.keys_list', 'MAP.values', 'SET.set2list'}
    assert bordered.isdisjoint(always_decided)
    assert bordered | always_decided | BUILT >= EVALUATORS.keys() - {'STRING.string2token', 'STRING.token2string'}


PARTIAL: Final = {
    *(f'INT.{name}' for name in ('tdiv', 'tmod', 'ediv', 'emod', 'pow', 'powmod', 'log2', 'shl', 'shr')),
    *('INT.bitRange', 'INT.signExtendBitRange'),
    *('MAP.concat', 'MAP.lookup', 'MAP.keys_list', 'MAP.values', 'MAP.choice', 'SET.concat', 'SET.choice'),
    *(f'LIST.{name}' for name in ('get', 'update', 'make', 'updateAll', 'fill', 'range')),
    *(f'STRING.{name}' for name in ('chr', 'ord', 'find', 'rfind', 'findChar', 'rfindChar', 'string2int')),
    *(f'STRING.{name}' for name in ('base2string', 'string2base', 'replace')),
    *(f'BYTES.{name}' for name in ('decodeBytes', 'encodeBytes', 'update', 'get', 'substr', 'replaceAt', 'memset')),
    *('BYTES.padRight', 'BYTES.padLeft'),
}
"""The hooks that K 7.1's prelude attaches to symbols that it does not declare total."""


def test_the_small_definition_declares_what_the_prelude_declares() -> None:
    assert {hook for hook, (_, _, _, total) in HOOKS.items() if not total} == PARTIAL - {'MAP.concat', 'SET.concat'}
    for hook in EVALUATORS.keys() - {'KEQUAL.ite'}:
        found = THEORY.hook_symbol(hook)
        assert found is not None
        assert found.total is (hook not in PARTIAL)


# Through the server -------------------------------------------------------------------------------------------------


def _declaring(total: bool) -> str:
    """Return the small definition with all its hooked symbols declared total, or none."""
    lines = []
    for line in DEFINITION.splitlines():
        if 'hooked-symbol' in line:
            line = line.replace('total{}(), ', '').replace(', total{}()', '').replace(', functional{}()', '')
            if total:
                line = line.replace('[function{}()', '[function{}(), total{}()')
        lines.append(line)
    return '\n'.join(lines)


ENGINES: Final = {
    total: Engine(parse_definition(DEFINITION if total is None else _declaring(total)).modules, 'SMALL')
    for total in (None, True, False)
}
SOLVERS: Final = {
    total: Solver(engine.definition_for(None), 300, 0)  # None: the declarations of the prelude
    for total, engine in ENGINES.items()
}


@pytest.mark.parametrize('total', [None, True, False])
def test_the_server_answers_as_the_hooks_do(total: bool | None) -> None:
    engine = ENGINES[total]
    signature = engine.definition_for(None).signature
    for hook, values, value in TABLE:
        symbol = signature.hook_symbol(hook)
        assert symbol is not None
        assert symbol.total is (total if total is not None else hook not in PARTIAL)
        args = tuple(Reader(signature).term(term_to_json(THEORY.signature, t(one))) for one in values)
        question = app(symbol, args)  # type: ignore[arg-type]
        answer = engine.simplify(term_to_json(signature, question), None, Budget(), SOLVERS[total])['state']['term']
        wanted = expected(value, total=symbol.total)
        if wanted is BOTTOM:
            assert answer['tag'] == 'Bottom', (hook, values)
        elif wanted is None:
            assert answer['tag'] == 'App', (hook, values)
            assert answer['name'] == symbol.name, (hook, values)
        else:
            found = Reader(signature).term(answer)
            assert term_to_json(signature, found) == term_to_json(THEORY.signature, wanted), (hook, values)  # type: ignore[arg-type]


@pytest.mark.parametrize('hook', ['MAP', 'SET'])
def test_a_total_concatenation_of_what_is_there_twice_stays(hook: str) -> None:
    for total in (True, False):
        signature = ENGINES[total].definition_for(None).signature
        concat = signature.hook_symbol(f'{hook}.concat')
        assert concat is not None
        one = t({1: 5} if hook == 'MAP' else {1})
        made = signature.construct(concat, (one, one))
        assert made is (app(concat, (one, one)) if total else BOTTOM)


DIVIDING: Final = rule(
    configuration('Lblcount{}(VarN:SortInt{})', 'VarS:SortInt{}', 'VarR:SortK{}'),
    configuration('', 'Lbltdiv{}(VarS:SortInt{}, VarN:SortInt{})', 'VarR:SortK{}'),
    'SMALL.divide',
    priority=10,
)
"""count(N) divides the sum by N."""


@pytest.mark.parametrize('total', [True, False])
def test_a_step_to_a_value_that_is_not_known_is_a_step(total: bool) -> None:
    text = _declaring(total).replace('endmodule []', f'{DIVIDING}\nendmodule []')
    engine = Engine(parse_definition(text).modules, 'SMALL')
    theory = engine.definition_for(None)
    solver = Solver(theory, 300, 0)

    def result(start: int, divisor: Term) -> Any:
        state = state_of(theory.signature, app(theory.symbol('Lblcount'), (divisor,)), dv(INT, start))
        params = ExecuteParams(max_depth=1)
        return engine.execute(term_to_json(theory.signature, state), None, params, Budget(), solver)

    assert result(7, dv(INT, 2))['depth'] == 1
    beyond = result(7, dv(INT, 0))
    if total:
        division = app(theory.symbol('Lbltdiv'), (dv(INT, 7), dv(INT, 0)))
        assert beyond['depth'] == 1
        assert term_to_json(theory.signature, division) in leaves(beyond['state']['term']['term'])
    else:
        assert beyond['depth'] == 0


def state_of(signature: Signature, program: Term, total: Term) -> Term:
    """Return a state of the small definition."""

    def call(name: str, *args: Term) -> Term:
        return app(signature.symbol(name), args)

    content = call('kseq', inj(KITEM, program), call('dotk'))
    return call("Lbl'-LT-'generatedTop'-GT-'", call("Lbl'-LT-'k'-GT-'", content), call("Lbl'-LT-'sum'-GT-'", total))


def leaves(json: Any) -> list[Any]:
    """Return a pattern and its subpatterns."""
    return [json, *(one for arg in json.get('args', []) for one in leaves(arg))]


@pytest.mark.parametrize('total', [True, False])
def test_the_solver_knows_nothing_of_a_total_symbol_beyond_its_hook(total: bool) -> None:
    theory = ENGINES[total].definition_for(None)
    solver = SOLVERS[total]

    def call(name: str, *args: Term) -> Term:
        return app(theory.symbol(name), args)

    y, zero, seven = var('VarY', INT), dv(INT, 0), dv(INT, 7)
    quotient, other = call('Lbltdiv', X, y), call('Lblediv', X, y)
    divided: list[Predicate] = [Equal(y, zero), Truth(call('LblltInt', quotient, seven))]
    assert (solver.check(divided) is Result.UNSAT) is not total
    differing: list[Predicate] = [Equal(y, zero), Truth(call('LblneInt', quotient, other))]
    assert (solver.check(differing) is Result.UNSAT) is not total
    negative: list[Predicate] = [Truth(call('LblltInt', call('LblgetBytes', var('VarB', BYTES), X), zero))]
    assert (solver.check(negative) is Result.UNSAT) is not total
    # Inside of what the hook defines all is as before.
    inside: list[Predicate] = [Equal(y, seven), Equal(X, dv(INT, 15)), Truth(call('LblneInt', quotient, dv(INT, 2)))]
    assert solver.check(inside) is Result.UNSAT


# Conditions of definedness ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('hook', 'values', 'value'), ROWS)
def test_conditions_agree_with_hooks(hook: str, values: tuple[Any, ...], value: Any) -> None:
    args = tuple(map(t, values))
    assert condition(declared(hook, total=True), args, THEORY) == ()
    found = condition(declared(hook, total=False), args, THEORY)
    if isinstance(value, Total) or (value is OPEN and found is None):
        assert found is None
    elif value is NONE:
        assert found == (P_BOTTOM,)
    else:
        # `OPEN` with a value: one too large to compute, or one of those that K's order decides.
        assert found == ()


def test_conditions_of_symbolic_arguments() -> None:
    def of(hook: str, *args: Any) -> tuple[Predicate, ...] | None:
        return condition(declared(hook, total=False), tuple(map(t, args)), THEORY)

    def call(hook: str, *args: Any) -> Term:
        symbol = THEORY.hook_symbol(hook)
        assert symbol is not None
        return app(symbol, tuple(map(t, args)))

    opened = _list([item(1), item(2), L, item(3)])
    size = call('LIST.size', L)
    assert of('INT.tdiv', 1, X) == (Not(Equal(X, dv(INT, 0))),)
    assert of('INT.pow', X, 2) == ()
    assert of('INT.pow', 2, X) == (Truth(call('INT.le', 0, X)),)
    assert of('INT.shl', X, 2) == ()
    assert of('INT.shl', 2, X) is None
    assert of('MAP.lookup', M, item(1)) == (Truth(call('MAP.in_keys', item(1), M)),)
    assert of('MAP.lookup', _map({item(1): item(2)}, [M]), item(1)) == ()
    assert of('MAP.lookup', _map({item(1): item(2)}, []), item('a')) == (P_BOTTOM,)
    assert of('MAP.choice', _map({item(1): item(2)}, [M])) == ()
    assert of('SET.choice', S) == (Truth(call('INT.le', 1, call('SET.size', S))),)
    assert of('SET.choice', _set([item(X)], [S])) == ()
    # What is certain of the known items leaves nothing to show.
    assert of('LIST.get', opened, 1) == ()
    assert of('LIST.get', opened, -1) == ()
    assert of('LIST.get', opened, 3) == (Truth(call('INT.le', 1, size)),)
    assert of('LIST.get', opened, X)
    assert of('LIST.update', opened, 0, item(1)) == ()
    assert of('LIST.update', opened, -1, item(1)) == (P_BOTTOM,)
    assert of('LIST.range', opened, 2, 1) == ()
    assert of('LIST.range', opened, 2, 2) == (Truth(call('INT.le', 1, size)),)
    assert of('LIST.range', t([1]), X, 0) == (Truth(call('INT.le', 0, X)), Truth(call('INT.le', X, 1)))
    assert of('LIST.make', X, item(1)) == (Truth(call('INT.le', 0, X)),)
    assert of('LIST.updateAll', L, 0, L) is None
    assert of('LIST.fill', L, 1, X, item(1)) is None
    assert of('LIST.size', L) == ()
    assert of('STRING.find', var('VarT', STRING), 'a', 0) == ()
    assert of('STRING.find', 'a', 'a', X) is None


@pytest.mark.parametrize(
    'hook', sorted({*COLLECTION_HOOKS, *(one for one in HOOKS if one.startswith('INT.'))} & PARTIAL)
)
@settings(max_examples=40 * TIMES, deadline=None)
@given(data=st.data())
def test_conditions_hold_where_there_is_a_value(hook: str, data: st.DataObject) -> None:
    args = data.draw(arguments(hook))
    found = condition(declared(hook, total=False), args, THEORY)
    if found is None:
        return
    point = data.draw(POINTS)
    ground: list[Term] = []
    for arg in args:
        made = instance(arg, point)
        assume(isinstance(made, Term))
        assert isinstance(made, Term)
        ground.append(made)
    answer = EVALUATORS[hook](THEORY, declared(hook, total=False), tuple(ground))
    holds = all(_holds(one, point) for one in found)
    assert holds is (answer is not BOTTOM)


def _holds(predicate: Predicate, point: dict[Any, Term]) -> bool:
    if isinstance(predicate, Truth):
        made = instance(predicate.term, point)
        assert made is TRUE or made is FALSE
        return made is TRUE
    if isinstance(predicate, Not):
        return not _holds(predicate.arg, point)
    if isinstance(predicate, Equal):
        left, right = instance(predicate.left, point), instance(predicate.right, point)
        assert isinstance(left, DV)
        assert isinstance(right, DV)
        return left is right
    assert predicate == P_BOTTOM
    return False


# Literals -----------------------------------------------------------------------------------------------------------


def _dv(name: str, text: str) -> dict[str, Any]:
    return {'tag': 'DV', 'sort': {'tag': 'SortApp', 'name': name, 'args': []}, 'value': text}


@pytest.mark.parametrize(
    ('name', 'text', 'value'),
    [
        ('SortBool', 'true', True),
        ('SortBool', 'false', False),
        ('SortInt', '-0', 0),
        ('SortInt', '+007', 7),
        ('SortBytes', '', b''),
        ('SortBytes', '\x00\xff', b'\x00\xff'),
        ('SortString', '\U0001f600', '\U0001f600'),
    ],
)
def test_literals_are_read_by_their_sorts(name: str, text: str, value: Any) -> None:
    found = Reader(THEORY.signature).term(_dv(name, text))
    assert found is literal(value)
    assert Reader(THEORY.signature).term(term_to_json(THEORY.signature, found)) is found


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        *(('SortBool', text) for text in ('True', '', '1', ' true')),
        *(('SortInt', text) for text in ('', '1_0', ' 1', '0x1', '\u0663', '1.0')),
        ('SortBytes', '\u0100'),
    ],
)
def test_what_is_no_literal_of_its_sort_is_refused(name: str, text: str) -> None:
    with pytest.raises(PatternError, match='Expected'):
        Reader(THEORY.signature).term(_dv(name, text))
