"""The hooks of BOOL, INT, STRING and BYTES against Python's own values."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kore_small import DEFINITION

from kprover.server.definition import Library
from kprover.server.hooks import EVALUATORS
from kprover.server.hooks.integers import BITS_LIMIT
from kprover.server.parse import parse_definition
from kprover.server.symbols import BOOL, BYTES, INT, STRING, sort
from kprover.server.terms import BOTTOM, DV, FALSE, TRUE, Term, app, dv, var

if TYPE_CHECKING:
    from kprover.server.symbols import Symbol

THEORY = Library(parse_definition(DEFINITION).modules).theory('SMALL')
SORTS = {bool: BOOL, int: INT, str: STRING, bytes: BYTES}
X, Y = var('VarX', INT), var('VarY', INT)
B, C = var('VarB', BOOL), var('VarC', BOOL)

INTS = st.one_of(st.integers(-20, 20), st.integers(), st.integers(-(1 << 300), 1 << 300))
SMALL = st.integers(0, 200)
TEXTS = st.text(st.characters(exclude_categories=['Cs']), max_size=12)
DATA = st.binary(max_size=40)


def symbol(hook: str) -> Symbol:
    found = THEORY.hook_symbol(hook)
    assert found is not None, hook
    return found


def term(value: Any) -> Term:
    return value if isinstance(value, Term) else dv(SORTS[type(value)], value)


def run(hook: str, *values: Any) -> Any:
    """Evaluate; the value of a literal, else what the hook says."""
    result = EVALUATORS[hook](THEORY, symbol(hook), tuple(map(term, values)))
    return result.value if isinstance(result, DV) else result


def undecided(hook: str, *values: Any) -> bool:
    return run(hook, *values) is None


def constant(name: str) -> Term:
    return app(THEORY.symbol(name), ())


LITTLE, BIG = constant('LbllittleEndianBytes'), constant('LblbigEndianBytes')
SIGNED, UNSIGNED = constant('LblsignedBytes'), constant('LblunsignedBytes')


def check_order(kind: str, a: Any, b: Any) -> None:
    """Compare the hooks of a kind that compare two values with Python's operators."""
    for name in ('lt', 'le', 'gt', 'ge', 'eq', 'ne'):
        assert run(f'{kind}.{name}', a, b) is getattr(operator, name)(a, b)


@given(INTS, INTS)
def test_integer_operations_agree_with_python(a: int, b: int) -> None:
    assert run('INT.add', a, b) == a + b
    assert run('INT.sub', a, b) == a - b
    assert run('INT.mul', a, b) == a * b
    assert run('INT.and', a, b) == a & b
    assert run('INT.or', a, b) == a | b
    assert run('INT.xor', a, b) == a ^ b
    assert run('INT.min', a, b) == min(a, b)
    assert run('INT.max', a, b) == max(a, b)
    assert run('INT.not', a) == ~a
    assert run('INT.abs', a) == abs(a)
    check_order('INT', a, b)


@given(INTS, INTS)
def test_division_truncates_or_is_euclidean(a: int, b: int) -> None:
    if b == 0:
        for hook in ('tdiv', 'tmod', 'ediv', 'emod'):
            assert run(f'INT.{hook}', a, b) is BOTTOM
        return
    quotient, rest = run('INT.tdiv', a, b), run('INT.tmod', a, b)
    assert quotient * b + rest == a
    assert abs(rest) < abs(b)
    assert rest == 0 or (rest < 0) == (a < 0)
    quotient, rest = run('INT.ediv', a, b), run('INT.emod', a, b)
    assert quotient * b + rest == a
    assert 0 <= rest < abs(b)


def test_division_at_the_signs() -> None:
    assert [run('INT.tdiv', a, b) for a, b in [(7, 2), (-7, 2), (7, -2), (-7, -2)]] == [3, -3, -3, 3]
    assert [run('INT.tmod', a, b) for a, b in [(7, 2), (-7, 2), (7, -2), (-7, -2)]] == [1, -1, 1, -1]
    assert [run('INT.ediv', a, b) for a, b in [(7, 2), (-7, 2), (7, -2), (-7, -2)]] == [3, -4, -3, 4]
    assert [run('INT.emod', a, b) for a, b in [(7, 2), (-7, 2), (7, -2), (-7, -2)]] == [1, 1, 1, 1]


@given(st.integers(-50, 50), st.integers(-5, 60), st.integers(-50, 50))
def test_powers(base: int, exponent: int, modulus: int) -> None:
    assert run('INT.pow', base, exponent) == (base**exponent if exponent >= 0 else BOTTOM)
    result = run('INT.powmod', base, exponent, modulus)
    if modulus == 0:
        assert result is BOTTOM
    elif exponent >= 0:
        assert result == base**exponent % abs(modulus)
    elif abs(modulus) == 1:
        assert result is None
    elif result is not BOTTOM:
        assert result * base**-exponent % abs(modulus) == 1


@given(INTS, SMALL, SMALL)
def test_shifts_and_bit_ranges(value: int, start: int, length: int) -> None:
    assert run('INT.shl', value, start) == value << start
    assert run('INT.shr', value, start) == value >> start
    bits = (value // 2**start) % 2**length
    assert run('INT.bitRange', value, start, length) == bits
    signed = run('INT.signExtendBitRange', value, start, length)
    assert signed % 2**length == bits
    assert length == 0 or -(2 ** (length - 1)) <= signed < 2 ** (length - 1)


@given(st.integers(-5, 1 << 100))
def test_log2(value: int) -> None:
    result = run('INT.log2', value)
    assert (2**result <= value < 2 ** (result + 1)) if value > 0 else result is BOTTOM


def test_results_that_are_too_large_stay_terms() -> None:
    assert undecided('INT.pow', 3, 1 << 40)
    assert undecided('INT.shl', 1, 1 << 40)
    assert undecided('INT.bitRange', -1, 0, 1 << 40)
    assert run('INT.pow', -1, (1 << 80) + 1) == -1
    assert run('INT.pow', 0, 0) == 1
    assert run('INT.shr', -5, 1 << 80) == -1
    assert run('INT.shl', 0, 1 << 80) == 0


@pytest.mark.parametrize(
    'hook',
    [
        f'INT.{name}'
        for name in ('add', 'sub', 'mul', 'tdiv', 'emod', 'pow', 'shl', 'and', 'or', 'xor', 'lt', 'eq', 'min')
    ],
)
def test_symbolic_integers_stay_terms(hook: str) -> None:
    assert undecided(hook, X, Y)
    assert undecided(hook, X, 7)


def test_units_and_zeros_need_no_value() -> None:
    assert run('INT.add', X, 0) is X
    assert run('INT.add', 0, X) is X
    assert run('INT.sub', X, 0) is X
    assert run('INT.sub', X, X) == 0
    assert run('INT.mul', 1, X) is X
    assert run('INT.mul', X, 0) == 0
    assert run('INT.tdiv', X, 1) is X
    assert run('INT.emod', X, 1) == 0
    assert run('INT.tdiv', X, 0) is BOTTOM
    assert run('INT.le', X, X) is True
    assert run('INT.lt', X, X) is False
    assert run('INT.eq', X, X) is True
    assert run('INT.and', -1, X) is X
    assert run('INT.xor', X, X) == 0


def test_an_argument_that_may_be_undefined_is_not_dropped() -> None:
    partial = app(THEORY.symbol('Lblunknown'), (X,))
    assert not partial.defined
    assert undecided('INT.mul', partial, 0)
    assert undecided('INT.sub', partial, partial)
    assert undecided('INT.eq', partial, partial)
    assert undecided('INT.emod', partial, 1)
    condition = app(symbol('INT.lt'), (partial, X))
    assert undecided('BOOL.and', condition, False)
    assert undecided('BOOL.or', True, condition)
    assert undecided('BOOL.eq', condition, condition)
    assert run('BOOL.andThen', False, condition) is False
    assert run('BOOL.orElse', True, condition) is True
    assert undecided('BOOL.andThen', condition, False)


@given(st.booleans(), st.booleans())
def test_boolean_operations(a: bool, b: bool) -> None:
    expected = {
        'and': a and b,
        'andThen': a and b,
        'or': a or b,
        'orElse': a or b,
        'implies': (not a) or b,
        'xor': a != b,
        'ne': a != b,
        'eq': a == b,
    }
    for name, value in expected.items():
        assert run(f'BOOL.{name}', a, b) is value
        # Each value of one argument, with the other symbolic, gives what both instances agree with.
        for position in (0, 1):
            args: list[Any] = [B, B]
            args[position] = a
            partial = run(f'BOOL.{name}', *args)
            for instance in (True, False):
                full = [instance, instance]
                full[position] = a
                whole = run(f'BOOL.{name}', *full)
                if isinstance(partial, bool):
                    assert whole is partial
                elif partial is B:
                    assert whole is instance
                elif partial is not None:
                    assert partial is app(symbol('BOOL.not'), (B,))
                    assert whole is (not instance)
    assert run('BOOL.not', a) is (not a)
    assert run('BOOL.not', app(symbol('BOOL.not'), (B,))) is B
    assert undecided('BOOL.and', B, C)


@given(TEXTS, TEXTS)
def test_strings_are_sequences_of_code_points(a: str, b: str) -> None:
    assert run('STRING.concat', a, b) == a + b
    assert run('STRING.length', a) == len(a)
    check_order('STRING', a, b)
    if b:
        assert run('STRING.countAllOccurrences', a, b) == a.count(b)
        assert run('STRING.replaceAll', a, b, 'x') == a.replace(b, 'x')
        assert run('STRING.replaceFirst', a, b, 'x') == a.replace(b, 'x', 1)
        assert run('STRING.replace', a, b, 'xy', 2) == a.replace(b, 'xy', 2)
    else:
        assert undecided('STRING.replaceAll', a, b, 'x')


@given(TEXTS, st.integers(-3, 15), st.integers(-3, 15))
def test_substrings(text: str, start: int, end: int) -> None:
    assert run('STRING.substr', text, start, end) == text[max(start, 0) : max(start, 0) + max(end - start, 0)]


@given(TEXTS, st.text('ab', min_size=1, max_size=2), st.integers(0, 12))
def test_searches(text: str, wanted: str, start: int) -> None:
    text = text + 'ab' + text
    assume(start <= len(text))
    found = run('STRING.find', text, wanted, start)
    assert found == text.find(wanted, start)
    last = run('STRING.rfind', text, wanted, start)
    assert last == max((i for i in range(min(start, len(text)) + 1) if text.startswith(wanted, i)), default=-1)
    assert run('STRING.findChar', text, wanted, start) == min(
        (i for i in range(start, len(text)) if text[i] in wanted), default=-1
    )
    assert run('STRING.rfindChar', text, wanted, start) == max(
        (i for i in range(min(start + 1, len(text))) if text[i] in wanted), default=-1
    )


@given(INTS, st.integers(2, 36))
def test_integers_as_text(value: int, base: int) -> None:
    assert run('STRING.int2string', value) == str(value)
    assert run('STRING.string2int', str(value)) == value
    text = run('STRING.base2string', value, base)
    assert int(text, base) == value
    assert run('STRING.string2base', text, base) == value


@pytest.mark.parametrize('text', ['', '+', '1_0', ' 1', '1 ', '0x1', '٣', '1.0', 'a'])
def test_what_is_no_decimal_number_has_no_value(text: str) -> None:
    assert run('STRING.string2int', text) is BOTTOM
    if text != 'a':
        assert run('STRING.string2base', text, 16) is BOTTOM


def test_single_characters() -> None:
    assert run('STRING.chr', 0x1F600) == '\U0001f600'
    assert run('STRING.ord', '\U0001f600') == 0x1F600
    assert run('STRING.ord', 'ab') is BOTTOM
    assert run('STRING.chr', -1) is BOTTOM
    assert run('STRING.chr', 0x110000) is BOTTOM
    assert undecided('STRING.chr', 0xD800)


def test_tokens_keep_their_text() -> None:
    token = dv(sort('SortId'), 'x1')
    assert EVALUATORS['STRING.string2token'](THEORY, symbol('STRING.string2token'), (term('x1'),)) is token
    assert run('STRING.token2string', token) == 'x1'


@given(DATA, DATA)
def test_bytes_are_values(a: bytes, b: bytes) -> None:
    assert run('BYTES.concat', a, b) == a + b
    assert run('BYTES.length', a) == len(a)
    assert run('BYTES.reverse', a) == a[::-1]
    assert run('BYTES.bytes2string', a) == a.decode('latin-1')
    assert run('BYTES.string2bytes', a.decode('latin-1')) == a
    assert run('BYTES.bytes2hex', a) == a.hex()
    assert run('BYTES.empty') == b''


@given(DATA, st.integers(-2, 45), st.integers(-2, 45), st.integers(-2, 258))
def test_bytes_at_positions(data: bytes, start: int, count: int, value: int) -> None:
    inside = 0 <= start < len(data)
    assert run('BYTES.get', data, start) == (data[start] if inside else BOTTOM)
    changed = run('BYTES.update', data, start, value)
    if inside and 0 <= value < 256:
        expected = bytearray(data)
        expected[start] = value
        assert changed == bytes(expected)
    else:
        assert changed is (None if inside else BOTTOM)
    part = run('BYTES.substr', data, start, count)
    assert part == data[start:count] if 0 <= start <= count <= len(data) else part is BOTTOM
    filled = run('BYTES.memset', data, start, count, value)
    if start >= 0 and count >= 0 and start + count <= len(data) and value < 256:
        expected = bytearray(data)
        expected[start : start + count] = bytes([value % 256]) * count
        assert filled == (bytes(expected) if value < 128 else None)
    else:
        assert filled is BOTTOM
    if count >= 0 and 0 <= value < 256:
        assert run('BYTES.padRight', data, count, value) == data.ljust(count, bytes([value]))
        assert run('BYTES.padLeft', data, count, value) == data.rjust(count, bytes([value]))


@given(DATA, st.integers(-2, 45), st.binary(min_size=1, max_size=10))
def test_bytes_are_replaced_inside_only(data: bytes, at: int, other: bytes) -> None:
    result = run('BYTES.replaceAt', data, at, other)
    if at >= 0 and at + len(other) <= len(data):
        assert result == data[:at] + other + data[at + len(other) :]
    else:
        assert result is (None if 0 <= at < len(data) else BOTTOM)


@given(DATA)
def test_bytes_as_integers(data: bytes) -> None:
    for order, name in ((LITTLE, 'little'), (BIG, 'big')):
        for sign, signed in ((SIGNED, True), (UNSIGNED, False)):
            value = run('BYTES.bytes2int', data, order, sign)
            assert value == int.from_bytes(data, name, signed=signed)  # type: ignore[arg-type]
            assert run('BYTES.int2bytes', len(data), value, order) == data


@given(INTS, st.integers(0, 40))
def test_integers_are_cut_to_the_bytes(value: int, length: int) -> None:
    assert int.from_bytes(run('BYTES.int2bytes', length, value, BIG), 'big') == value % 256**length


def test_encodings() -> None:
    for encoding in ('UTF-8', 'UTF-16LE', 'UTF-16BE', 'UTF-32LE', 'UTF-32BE'):
        data = run('BYTES.encodeBytes', encoding, 'aß\U0001f600')
        assert run('BYTES.decodeBytes', encoding, data) == 'aß\U0001f600'
    assert run('BYTES.decodeBytes', 'UTF-8', b'\xff') is BOTTOM
    assert undecided('BYTES.decodeBytes', 'KOI8', b'a')
    assert undecided('BYTES.string2bytes', '\u0100')


def test_symbolic_strings_and_bytes_stay_terms() -> None:
    text, data = var('VarT', STRING), var('VarD', BYTES)
    assert run('STRING.concat', text, '') is text
    assert undecided('STRING.concat', text, 'a')
    assert undecided('STRING.length', text)
    assert run('BYTES.concat', b'', data) is data
    assert undecided('BYTES.length', data)
    assert undecided('BYTES.bytes2int', b'a', var('VarE', sort('SortEndianness')), SIGNED)
    assert TRUE is not FALSE


def test_numbers_larger_than_any_result_are_still_read_rightly() -> None:
    value = -(1 << (2 * BITS_LIMIT)) + 12345
    count = BITS_LIMIT + 7
    assert run('INT.shr', value, count) == value >> count
    assert run('INT.shr', value, 10 * BITS_LIMIT) == -1
    assert run('INT.bitRange', value, count, 64) == (value >> count) % 2**64
    assert run('INT.signExtendBitRange', value, 3 * BITS_LIMIT, 64) == -1
    assert run('INT.mul', 1 << BITS_LIMIT, 2) is None
    assert run('INT.powmod', 3, 1 << 20_000, (1 << 20_000) + 1) is None
