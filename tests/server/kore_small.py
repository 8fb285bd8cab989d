"""A small definition in Kore text, with the built-in sorts and a symbol for every hook, for the tests of the server.

`DEFINITION` is complete: it can be served. The rules count down a counter and branch on a condition.
"""

from __future__ import annotations

from typing import Final

BUILTINS: Final = {
    'Bool': 'BOOL.Bool',
    'Int': 'INT.Int',
    'String': 'STRING.String',
    'Bytes': 'BYTES.Bytes',
}
COLLECTIONS: Final = {
    'Map': ('MAP.Map', "Lbl'Unds'Map'Unds'", "Lbl'UndsPipe'-'-GT-Unds'", "Lbl'Stop'Map"),
    'Set': ('SET.Set', "Lbl'Unds'Set'Unds'", 'LblSetItem', "Lbl'Stop'Set"),
    'List': ('LIST.List', "Lbl'Unds'List'Unds'", 'LblListItem', "Lbl'Stop'List"),
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
    'MAP.keys_list': ('LblkeysList', 'Map', 'List', True),
    'MAP.values': ('Lblvalues', 'Map', 'List', True),
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
    'STRING.substr': ('LblsubstrString', 'String Int Int', 'String', False),
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
    'STRING.replaceAll': ('LblreplaceAll', 'String String String', 'String', False),
    'STRING.replaceFirst': ('LblreplaceFirst', 'String String String', 'String', False),
    'STRING.countAllOccurrences': ('LblcountAll', 'String String', 'Int', True),
    'STRING.string2token': ('LblString2Id', 'String', 'Id', True),
    'STRING.token2string': ('LblId2String', 'Id', 'String', True),
    'BYTES.empty': ("Lbl'Stop'Bytes", '', 'Bytes', True),
    'BYTES.bytes2int': ('LblBytes2Int', 'Bytes Endianness Signedness', 'Int', True),
    'BYTES.int2bytes': ('LblInt2Bytes', 'Int Int Endianness', 'Bytes', True),
    'BYTES.bytes2string': ('LblBytes2String', 'Bytes', 'String', True),
    'BYTES.string2bytes': ('LblString2Bytes', 'String', 'Bytes', False),
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


def sort(name: str) -> str:
    """Return the Kore text of a sort."""
    return f'Sort{name}{{}}'


def _symbol(name: str, args: str, result: str, *attributes: str, hooked: bool = False) -> str:
    sorts = ', '.join(map(sort, args.split()))
    keyword = 'hooked-symbol' if hooked else 'symbol'
    name = name.replace(':', "'Coln'")
    return f'  {keyword} {name}{{}}({sorts}) : {sort(result)} [{", ".join(attributes)}]'


def _hooks() -> list[str]:
    lines: list[str] = []
    for hook, (name, args, result, total) in HOOKS.items():
        attributes = ['function{}()', f'hook{{}}("{hook}")', *(['total{}()'] if total else [])]
        lines.append(_symbol(name, args, result, *attributes, hooked=True))
    for name, (hook, concat, element, unit) in COLLECTIONS.items():
        kind = hook.partition('.')[0]
        lines.append(_symbol(unit, '', name, 'function{}()', 'total{}()', f'hook{{}}("{kind}.unit")', hooked=True))
        item = 'KItem KItem' if kind == 'MAP' else 'KItem'
        lines.append(
            _symbol(element, item, name, 'function{}()', 'total{}()', f'hook{{}}("{kind}.element")', hooked=True)
        )
        algebra = [
            'assoc{}()',
            'function{}()',
            f'hook{{}}("{kind}.concat")',
            f'element{{}}({element}{{}}())',
            f'unit{{}}({unit}{{}}())',
            *(['comm{}()'] if kind != 'LIST' else ['total{}()']),
        ]
        lines.append(_symbol(concat, f'{name} {name}', name, *algebra, hooked=True))
    lines.append(
        '  hooked-symbol Lblite{SortS}(SortBool{}, SortS, SortS) : SortS '
        '[function{}(), total{}(), hook{}("KEQUAL.ite")]'
    )
    return lines


def _constructors() -> list[str]:
    free = ('constructor{}()', 'functional{}()', 'injective{}()')
    return [
        _symbol('LbllittleEndianBytes', '', 'Endianness', *free),
        _symbol('LblbigEndianBytes', '', 'Endianness', *free),
        _symbol('LblsignedBytes', '', 'Signedness', *free),
        _symbol('LblunsignedBytes', '', 'Signedness', *free),
        _symbol('Lblpair', 'Int Int', 'Pgm', *free),
        _symbol('Lblstop', '', 'Pgm', *free),
        _symbol('Lblcount', 'Int', 'Pgm', *free),
        _symbol('Lblsign', 'Int', 'Pgm', *free),
        _symbol('Lblwrap', 'Pgm', 'Pgm', *free),
        _symbol("Lbl'-LT-'k'-GT-'", 'K', 'KCell', *free),
        _symbol("Lbl'-LT-'sum'-GT-'", 'Int', 'SumCell', *free),
        _symbol("Lbl'-LT-'generatedTop'-GT-'", 'KCell SumCell', 'GeneratedTopCell', *free),
        _symbol('Lblunknown', 'Int', 'Int', 'function{}()', 'no-evaluators{}()'),
        _symbol('Lbldeclared', 'Int', 'Int', 'function{}()', 'total{}()', 'no-evaluators{}()', 'smtlib{}("declared")'),
        _symbol('Lblsmaller', 'Int Int', 'Int', 'function{}()', 'total{}()', 'smt-hook{}("(ite (< #1 #2) #1 #2)")'),
        _symbol('Lblspin', 'Int', 'Int', 'function{}()', 'total{}()'),
    ]


def configuration(program: str, total: str, rest: str = 'dotk{}()') -> str:
    """Return the Kore text of a state: a term of sort Pgm, or K's rest alone if `program` is empty, and the sum."""
    k = f'kseq{{}}(inj{{SortPgm{{}}, SortKItem{{}}}}({program}), {rest})' if program else rest
    return f"{LHS}(Lbl'-LT-'k'-GT-'{{}}({k}), Lbl'-LT-'sum'-GT-'{{}}({total}))"


def rule(left: str, right: str, label: str, requires: str = '', priority: int | None = None) -> str:
    """Return the axiom of a rewrite rule; `requires` is a term of sort Bool."""
    top = 'SortGeneratedTopCell{}'
    if requires:
        condition = f'\\equals{{SortBool{{}}, {top}}}({requires}, \\dv{{SortBool{{}}}}("true"))'
    else:
        condition = f'\\top{{{top}}}()'
    attributes = [f'label{{}}("{label}")']
    if priority is not None:
        attributes.append(f'priority{{}}("{priority}")')
    return (
        f'  axiom{{}} \\rewrites{{{top}}}(\\and{{{top}}}({left}, {condition}), '
        f'\\and{{{top}}}({right}, \\top{{{top}}}())) [{", ".join(attributes)}]'
    )


def integer(value: int) -> str:
    """Return the Kore text of an integer."""
    return f'\\dv{{SortInt{{}}}}("{value}")'


_N, _S, _R = 'VarN:SortInt{}', 'VarS:SortInt{}', 'VarR:SortK{}'
RULES: Final = [
    # count(N) adds N, N-1, ..., 1 to the sum.
    rule(
        configuration(f'Lblcount{{}}({_N})', _S, _R),
        configuration(f'Lblcount{{}}(Lblsub{{}}({_N}, {integer(1)}))', f'Lbladd{{}}({_S}, {_N})', _R),
        'SMALL.count',
        f'LblgtInt{{}}({_N}, {integer(0)})',
    ),
    rule(
        configuration(f'Lblcount{{}}({_N})', _S, _R),
        configuration('', _S, _R),
        'SMALL.done',
        f'LblleInt{{}}({_N}, {integer(0)})',
    ),
    rule(
        configuration(f'Lblsign{{}}({_N})', _S, _R),
        configuration('', integer(1), _R),
        'SMALL.positive',
        f'LblgtInt{{}}({_N}, {integer(0)})',
    ),
    rule(
        configuration(f'Lblsign{{}}({_N})', _S, _R),
        configuration('', integer(-1), _R),
        'SMALL.negative',
        f'LblltInt{{}}({_N}, {integer(0)})',
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
        f'  hooked-sort {sort(name)} [hook{{}}("{hook}"), concat{{}}({concat}{{}}()), element{{}}({element}{{}}()), '
        f'unit{{}}({unit}{{}}())]'
        for name, (hook, concat, element, unit) in COLLECTIONS.items()
    ]
    lines += [
        f'  sort {sort(name)} [{"hasDomainValues{}()" if name == "Id" else ""}]'
        for name in ('K', 'KItem', 'Id', 'Endianness', 'Signedness', 'Pgm', 'KCell', 'SumCell', 'GeneratedTopCell')
    ]
    lines += [
        '  symbol kseq{}(SortKItem{}, SortK{}) : SortK{} [constructor{}(), functional{}(), injective{}()]',
        '  symbol dotk{}() : SortK{} [constructor{}(), functional{}(), injective{}()]',
        '  symbol append{}(SortK{}, SortK{}) : SortK{} [function{}(), functional{}()]',
        '  symbol inj{From, To}(From) : To [sortInjection{}()]',
        *_constructors(),
        *_hooks(),
    ]
    lines += [
        f'  axiom{{R}} \\exists{{R}}(Val:SortKItem{{}}, \\equals{{SortKItem{{}}, R}}(Val:SortKItem{{}}, '
        f'inj{{{sort(name)}, SortKItem{{}}}}(From:{sort(name)}))) [subsort{{{sort(name)}, SortKItem{{}}}}()]'
        for name in SUBSORTS
    ]
    lines += [*RULES, SPIN, *(extra or []), 'endmodule []', '']
    return '\n'.join(lines)


DEFINITION: Final = definition()
