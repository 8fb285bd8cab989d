"""A small definition in Kore text, with the built-in sorts and a symbol for every hook, for the tests of the server.

`DEFINITION` is complete: it can be served. The rules count down a counter and branch on a condition.
"""

from __future__ import annotations

from typing import Final

from kore_text import K_SYMBOLS, collection, hooked, i, k, rewriting, sort, subsort, symbol, truth

BUILTINS: Final = {
    'Bool': 'BOOL.Bool',
    'Int': 'INT.Int',
    'String': 'STRING.String',
    'Bytes': 'BYTES.Bytes',
}
COLLECTIONS: Final = {
    'Map': ("Lbl'Unds'Map'Unds'", "Lbl'UndsPipe'-'-GT-Unds'", "Lbl'Stop'Map"),
    'Set': ("Lbl'Unds'Set'Unds'", 'LblSetItem', "Lbl'Stop'Set"),
    'List': ("Lbl'Unds'List'Unds'", 'LblListItem', "Lbl'Stop'List"),
}
# hook: name, argument sorts, result sort, total
HOOKS: Final[dict[str, tuple[str, str, str, bool]]] = {
    **{
        f'INT.{op}': (f'Lbl{op}', 'Int Int', 'Int', True)
        for op in ('add', 'sub', 'mul', 'and', 'or', 'xor', 'min', 'max')
    },
    **{
        f'INT.{op}': (f'Lbl{op}', 'Int Int', 'Int', False)
        for op in ('tdiv', 'tmod', 'ediv', 'emod', 'pow', 'shl', 'shr')
    },
    **{f'INT.{op}': (f'Lbl{op}Int', 'Int Int', 'Bool', True) for op in ('lt', 'le', 'gt', 'ge', 'eq', 'ne')},
    'INT.not': ('Lblcomplement', 'Int', 'Int', True),
    'INT.abs': ('Lblabs', 'Int', 'Int', True),
    'INT.log2': ('Lbllog2', 'Int', 'Int', False),
    'INT.powmod': ('Lblpowmod', 'Int Int Int', 'Int', False),
    'INT.bitRange': ('LblbitRange', 'Int Int Int', 'Int', False),
    'INT.signExtendBitRange': ('LblsignExtend', 'Int Int Int', 'Int', False),
    **{
        f'BOOL.{op}': (f'Lbl{op}Bool', 'Bool Bool', 'Bool', True)
        for op in ('and', 'or', 'andThen', 'orElse', 'implies', 'xor', 'eq', 'ne')
    },
    'BOOL.not': ('LblnotBool', 'Bool', 'Bool', True),
    'KEQUAL.eq': ('LbleqK', 'K K', 'Bool', True),
    'KEQUAL.ne': ('LblneK', 'K K', 'Bool', True),
    'MAP.lookup': ('LblMap:lookup', 'Map KItem', 'KItem', False),
    'MAP.lookupOrDefault': ('LblMap:lookupOrDefault', 'Map KItem KItem', 'KItem', True),
    'MAP.update': ('LblMap:update', 'Map KItem KItem', 'Map', True),
    'MAP.updateAll': ('LblupdateMap', 'Map Map', 'Map', True),
    'MAP.remove': ('LblMap:remove', 'Map KItem', 'Map', True),
    'MAP.removeAll': ('LblremoveAll', 'Map Set', 'Map', True),
    'MAP.difference': ('LblMap:difference', 'Map Map', 'Map', True),
    'MAP.in_keys': ('LblinKeys', 'KItem Map', 'Bool', True),
    'MAP.keys': ('Lblkeys', 'Map', 'Set', True),
    'MAP.keys_list': ('LblkeysList', 'Map', 'List', False),
    'MAP.values': ('Lblvalues', 'Map', 'List', False),
    'MAP.size': ('LblsizeMap', 'Map', 'Int', True),
    'MAP.inclusion': ('LblinclusionMap', 'Map Map', 'Bool', True),
    'MAP.choice': ('LblMap:choice', 'Map', 'KItem', False),
    'SET.in': ('LblSet:in', 'KItem Set', 'Bool', True),
    'SET.difference': ('LblSet:difference', 'Set Set', 'Set', True),
    'SET.intersection': ('Lblintersect', 'Set Set', 'Set', True),
    'SET.union': ('Lblunion', 'Set Set', 'Set', True),
    'SET.inclusion': ('LblinclusionSet', 'Set Set', 'Bool', True),
    'SET.size': ('LblsizeSet', 'Set', 'Int', True),
    'SET.choice': ('LblSet:choice', 'Set', 'KItem', False),
    'SET.set2list': ('Lblset2list', 'Set', 'List', True),
    'SET.list2set': ('Lbllist2set', 'List', 'Set', True),
    'LIST.get': ('LblList:get', 'List Int', 'KItem', False),
    'LIST.update': ('LblList:set', 'List Int KItem', 'List', False),
    'LIST.updateAll': ('LblupdateList', 'List Int List', 'List', False),
    'LIST.fill': ('LblfillList', 'List Int Int KItem', 'List', False),
    'LIST.range': ('LblList:range', 'List Int Int', 'List', False),
    'LIST.size': ('LblsizeList', 'List', 'Int', True),
    'LIST.in': ('LblList:in', 'KItem List', 'Bool', True),
    'LIST.make': ('LblmakeList', 'Int KItem', 'List', False),
    'LIST.push': ('LblpushList', 'KItem List', 'List', True),
    'STRING.concat': ('LblconcatString', 'String String', 'String', True),
    'STRING.length': ('LbllengthString', 'String', 'Int', True),
    **{
        f'STRING.{op}': (f'Lbl{op}String', 'String String', 'Bool', True) for op in ('lt', 'le', 'gt', 'ge', 'eq', 'ne')
    },
    'STRING.substr': ('LblsubstrString', 'String Int Int', 'String', True),
    **{
        f'STRING.{op}': (f'Lbl{op}String', 'String String Int', 'Int', False)
        for op in ('find', 'rfind', 'findChar', 'rfindChar')
    },
    'STRING.chr': ('LblchrChar', 'Int', 'String', False),
    'STRING.ord': ('LblordChar', 'String', 'Int', False),
    'STRING.string2int': ('LblString2Int', 'String', 'Int', False),
    'STRING.int2string': ('LblInt2String', 'Int', 'String', True),
    'STRING.string2base': ('LblString2Base', 'String Int', 'Int', False),
    'STRING.base2string': ('LblBase2String', 'Int Int', 'String', False),
    'STRING.replace': ('Lblreplace', 'String String String Int', 'String', False),
    'STRING.replaceAll': ('LblreplaceAll', 'String String String', 'String', True),
    'STRING.replaceFirst': ('LblreplaceFirst', 'String String String', 'String', True),
    'STRING.countAllOccurrences': ('LblcountAll', 'String String', 'Int', True),
    'STRING.string2token': ('LblString2Id', 'String', 'Id', True),
    'STRING.token2string': ('LblId2String', 'Id', 'String', True),
    'BYTES.empty': ("Lbl'Stop'Bytes", '', 'Bytes', True),
    'BYTES.bytes2int': ('LblBytes2Int', 'Bytes Endianness Signedness', 'Int', True),
    'BYTES.int2bytes': ('LblInt2Bytes', 'Int Int Endianness', 'Bytes', True),
    'BYTES.bytes2string': ('LblBytes2String', 'Bytes', 'String', True),
    'BYTES.string2bytes': ('LblString2Bytes', 'String', 'Bytes', True),
    'BYTES.decodeBytes': ('LbldecodeBytes', 'String Bytes', 'String', False),
    'BYTES.encodeBytes': ('LblencodeBytes', 'String String', 'Bytes', False),
    'BYTES.substr': ('LblsubstrBytes', 'Bytes Int Int', 'Bytes', False),
    'BYTES.replaceAt': ('LblreplaceAtBytes', 'Bytes Int Bytes', 'Bytes', False),
    'BYTES.padLeft': ('LblpadLeftBytes', 'Bytes Int Int', 'Bytes', False),
    'BYTES.padRight': ('LblpadRightBytes', 'Bytes Int Int', 'Bytes', False),
    'BYTES.reverse': ('LblreverseBytes', 'Bytes', 'Bytes', True),
    'BYTES.length': ('LbllengthBytes', 'Bytes', 'Int', True),
    'BYTES.concat': ('LblconcatBytes', 'Bytes Bytes', 'Bytes', True),
    'BYTES.bytes2hex': ('LblBytes2Hex', 'Bytes', 'String', True),
    'BYTES.get': ('LblgetBytes', 'Bytes Int', 'Int', False),
    'BYTES.update': ('LblupdateBytes', 'Bytes Int Int', 'Bytes', False),
    'BYTES.memset': ('LblmemsetBytes', 'Bytes Int Int Int', 'Bytes', False),
}
SUBSORTS: Final = ['Bool', 'Int', 'String', 'Bytes', 'Map', 'Set', 'List', 'Id', 'Endianness', 'Signedness', 'Pgm']

LHS: Final = "Lbl'-LT-'generatedTop'-GT-'{}"


def _hooks() -> list[str]:
    lines = [
        hooked(name.replace(':', "'Coln'"), hook, args, result, *(['total{}()'] if total else []))
        for hook, (name, args, result, total) in HOOKS.items()
    ]
    lines.append(
        '  hooked-symbol Lblite{SortS}(SortBool{}, SortS, SortS) : SortS '
        '[function{}(), total{}(), hook{}("KEQUAL.ite")]'
    )
    return lines


def _constructors() -> list[str]:
    function = ('function{}()', 'total{}()')
    return [
        symbol('LbllittleEndianBytes', '', 'Endianness'),
        symbol('LblbigEndianBytes', '', 'Endianness'),
        symbol('LblsignedBytes', '', 'Signedness'),
        symbol('LblunsignedBytes', '', 'Signedness'),
        symbol('Lblpair', 'Int Int', 'Pgm'),
        symbol('Lblstop', '', 'Pgm'),
        symbol('Lblcount', 'Int', 'Pgm'),
        symbol('Lblsign', 'Int', 'Pgm'),
        symbol('Lblwrap', 'Pgm', 'Pgm'),
        symbol("Lbl'-LT-'k'-GT-'", 'K', 'KCell'),
        symbol("Lbl'-LT-'sum'-GT-'", 'Int', 'SumCell'),
        symbol("Lbl'-LT-'generatedTop'-GT-'", 'KCell SumCell', 'GeneratedTopCell'),
        symbol('Lblunknown', 'Int', 'Int', ('function{}()', 'no-evaluators{}()')),
        symbol('Lbldeclared', 'Int', 'Int', (*function, 'no-evaluators{}()', 'smtlib{}("declared")')),
        symbol('Lblsmaller', 'Int Int', 'Int', (*function, 'smt-hook{}("(ite (< #1 #2) #1 #2)")')),
        symbol('Lblspin', 'Int', 'Int', function),
    ]


def configuration(program: str, total: str, rest: str = 'dotk{}()') -> str:
    """Return the Kore text of a state: a term of sort Pgm, or K's rest alone if `program` is empty, and the sum."""
    content = k(program, 'Pgm', rest) if program else rest
    return f"{LHS}(Lbl'-LT-'k'-GT-'{{}}({content}), Lbl'-LT-'sum'-GT-'{{}}({total}))"


def rule(left: str, right: str, label: str, requires: str = '', priority: int | None = None) -> str:
    """Return the axiom of a rewrite rule; `requires` is a term of sort Bool."""
    attributes = [f'label{{}}("{label}")', *([] if priority is None else [f'priority{{}}("{priority}")'])]
    return rewriting(left, right, attributes, truth(requires) if requires else '')


_N, _S, _R = 'VarN:SortInt{}', 'VarS:SortInt{}', 'VarR:SortK{}'
RULES: Final = [
    # count(N) adds N, N-1, ..., 1 to the sum.
    rule(
        configuration(f'Lblcount{{}}({_N})', _S, _R),
        configuration(f'Lblcount{{}}(Lblsub{{}}({_N}, {i(1)}))', f'Lbladd{{}}({_S}, {_N})', _R),
        'SMALL.count',
        f'LblgtInt{{}}({_N}, {i(0)})',
    ),
    rule(
        configuration(f'Lblcount{{}}({_N})', _S, _R),
        configuration('', _S, _R),
        'SMALL.done',
        f'LblleInt{{}}({_N}, {i(0)})',
    ),
    rule(
        configuration(f'Lblsign{{}}({_N})', _S, _R),
        configuration('', i(1), _R),
        'SMALL.positive',
        f'LblgtInt{{}}({_N}, {i(0)})',
    ),
    rule(
        configuration(f'Lblsign{{}}({_N})', _S, _R),
        configuration('', i(-1), _R),
        'SMALL.negative',
        f'LblltInt{{}}({_N}, {i(0)})',
    ),
]
# spin(N) = spin(N + 1): evaluates for ever unless it is bounded or cancelled.
SPIN: Final = (
    '  axiom{R} \\implies{R}(\\and{R}(\\top{R}(), \\and{R}(\\in{SortInt{}, R}(X0:SortInt{}, VarN:SortInt{}), '
    '\\top{R}())), \\equals{SortInt{}, R}(Lblspin{}(X0:SortInt{}), '
    '\\and{SortInt{}}(Lblspin{}(Lbladd{}(VarN:SortInt{}, \\dv{SortInt{}}("1"))), \\top{SortInt{}}()))) []'
)


def definition(extra: list[str] | None = None, module: str = 'SMALL') -> str:
    """Return the text of the definition, with further sentences at its end."""
    lines = ['[]', f'module {module}']
    lines += [
        f'  hooked-sort {sort(name)} [hasDomainValues{{}}(), hook{{}}("{hook}")]' for name, hook in BUILTINS.items()
    ]
    lines += [
        f'  sort {sort(name)} [{"hasDomainValues{}()" if name == "Id" else ""}]'
        for name in ('K', 'KItem', 'Id', 'Endianness', 'Signedness', 'Pgm', 'KCell', 'SumCell', 'GeneratedTopCell')
    ]
    lines += [
        *K_SYMBOLS,
        '  symbol append{}(SortK{}, SortK{}) : SortK{} [function{}(), functional{}()]',
        *_constructors(),
        *_hooks(),
        *(line for name, symbols in COLLECTIONS.items() for line in collection(name, *symbols)),
        *map(subsort, SUBSORTS),
    ]
    lines += [*RULES, SPIN, *(extra or []), 'endmodule []', '']
    return '\n'.join(lines)


DEFINITION: Final = definition()
