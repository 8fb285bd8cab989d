"""A small definition for the tests of the engine: expressions over integers, a map, a list, functions of every kind.

The text is put together from short helpers; `engine` loads it with extra axioms, and `ask` runs one request on it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from kore_text import K_SYMBOLS, app, equating, hooked, i, inj, k, rewriting, sort, subsort, symbol, truth, v

from kprover.server.budget import Budget
from kprover.server.engine import Engine
from kprover.server.params import ExecuteParams, ImpliesParams
from kprover.server.parse import parse_definition, parse_pattern
from kprover.server.smt import Solver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.server.sentences import Json
    from kprover.server.terms import Term


def ident(name: str) -> str:
    """Return a program variable."""
    return f'\\dv{{SortId{{}}}}("{name}")'


def entry(key: str, value: str) -> str:
    """Return a map entry from a program variable to an integer."""
    return app('entry', inj(key, 'Id'), inj(value, 'Int'))


def joined(*parts: str) -> str:
    """Return the concatenation of maps."""
    result = parts[-1] if parts else app('emptyMap')
    for part in parts[-2::-1]:
        result = app('joinMap', part, result)
    return result


def cell(program: str, store: str = app('emptyMap'), counter: str | None = None) -> str:
    """Return a configuration: an item of sort Pgm, a map, an integer."""
    return config(k(program, 'Pgm'), store, counter)


def config(rest: str, store: str, counter: str | None = None) -> str:
    """Return a configuration with the given content of the `<k>` cell."""
    cells = (f"Lbl'-LT-'k'-GT-'{{}}({rest})", app('store', store), app('counter', counter or i(0)))
    return f"Lbl'-LT-'generatedTop'-GT-'{{}}({', '.join(cells)})"


def rule(left: str, right: str, label: str, requires: str = '', ensures: str = '', attributes: str = '') -> str:
    """Return a rewrite rule; `requires` is a Bool term, `ensures` a predicate."""
    given = (one for one in (f'label{{}}("{label}")', attributes) if one)
    return rewriting(left, right, given, truth(requires) if requires else '', ensures)


def step(left: str, right: str, label: str, requires: str = '', attributes: str = '', ensures: str = '') -> str:
    """Return a rule from one program to another that leaves store and counter alone."""
    rest, store, counter = v('Rest', 'K'), v('Store', 'Map'), v('Counter')
    before, after = (config(k(one, 'Pgm', rest), store, counter) for one in (left, right))
    return rule(before, after, label, requires, ensures, attributes)


def equation(left: str, right: str, of: str, requires: str = '', attributes: str = '') -> str:
    """Return a function equation or simplification in the shape without separate arguments."""
    return equating(left, of, right, [attributes] if attributes else [], truth(requires, 'R') if requires else '')


def _operation(name: str, hook: str, result: str, *, total: bool = True, args: str = 'Int Int') -> str:
    return hooked(f'Lbl{name}', hook, args, result, *(['total{}()'] if total else []))


_SORTS: Final = ['Pgm', 'Color', 'Exp', 'Value', 'KCell', 'StoreCell', 'CounterCell', 'GeneratedTopCell']
_FUNCTION: Final = ('function{}()', 'total{}()')
DECLARATIONS: Final = '\n'.join(
    [
        '  sort SortK{} []',
        '  sort SortKItem{} []',
        *(f'  sort {sort(name)} []' for name in _SORTS),
        '  sort SortId{} [hasDomainValues{}()]',
        *(f'  hooked-sort {sort(name)} [hook{{}}("{name.upper()}.{name}")]' for name in ('Int', 'Bool')),
        '  hooked-sort SortMap{} [concat{}(LbljoinMap{}()), element{}(Lblentry{}()), hook{}("MAP.Map"), '
        'unit{}(LblemptyMap{}())]',
        '  hooked-sort SortList{} [concat{}(LbljoinList{}()), element{}(Lblitem{}()), hook{}("LIST.List"), '
        'unit{}(LblemptyList{}())]',
        *K_SYMBOLS,
        *(_operation(name, f'INT.{name}', 'Int') for name in ('add', 'sub', 'mul')),
        _operation('tdiv', 'INT.tdiv', 'Int', total=False),
        *(_operation(name, f'INT.{name}', 'Bool') for name in ('lt', 'le', 'gt', 'ge', 'eq', 'ne')),
        *(_operation(f'{name}Bool', f'BOOL.{name}', 'Bool', args='Bool Bool') for name in ('and', 'or')),
        _operation('notBool', 'BOOL.not', 'Bool', args='Bool'),
        _operation('joinMap', 'MAP.concat', 'Map', total=False, args='Map Map'),
        _operation('entry', 'MAP.element', 'Map', args='KItem KItem'),
        _operation('emptyMap', 'MAP.unit', 'Map', args=''),
        _operation('inKeys', 'MAP.in_keys', 'Bool', args='KItem Map'),
        _operation('lookup', 'MAP.lookup', 'KItem', total=False, args='Map KItem'),
        _operation('update', 'MAP.update', 'Map', args='Map KItem KItem'),
        _operation('joinList', 'LIST.concat', 'List', args='List List'),
        _operation('item', 'LIST.element', 'List', args='KItem'),
        _operation('emptyList', 'LIST.unit', 'List', args=''),
        *(symbol(f'Lbl{name}', '', 'Color') for name in ('red', 'green', 'blue')),
        *(symbol(f'Lbl{name}', 'Int', 'Pgm') for name in ('count', 'sign', 'done', 'divide')),
        *(symbol(f'Lbl{name}', '', 'Pgm') for name in ('stop', 'choose', 'left', 'right', 'forget', 'start')),
        symbol('Lblpaint', 'Color', 'Pgm'),
        symbol('Lblread', 'Id', 'Pgm'),
        symbol('Lbleval', 'Exp', 'Pgm'),
        symbol('Lblplus', 'Exp Exp', 'Exp'),
        symbol('Lblqueue', 'List', 'Pgm'),
        symbol("Lbl'-LT-'k'-GT-'", 'K', 'KCell'),
        symbol('Lblstore', 'Map', 'StoreCell'),
        symbol('Lblcounter', 'Int', 'CounterCell'),
        symbol("Lbl'-LT-'generatedTop'-GT-'", 'KCell StoreCell CounterCell', 'GeneratedTopCell'),
        symbol('Lblfactorial', 'Int', 'Int', ('function{}()',)),
        symbol('Lblsize', 'Exp', 'Int', _FUNCTION),
        symbol('LblisValue', 'K', 'Bool', _FUNCTION),
        symbol('Lblunknown', 'Int', 'Int', (*_FUNCTION, 'no-evaluators{}()')),
        symbol('Lblendless', 'Int', 'Int', _FUNCTION),
        *(subsort(name) for name in ('Int', 'Bool', 'Id', 'Pgm', 'Exp', 'Value', 'Color', 'Map', 'List')),
        *(subsort(name, 'Exp') for name in ('Int', 'Id')),
        *(subsort(name, 'Value') for name in ('Int', 'Bool')),
    ]
)
_AS_ARGUMENT: Final = (
    '  axiom{R} \\implies{R}(\\and{R}(\\not{R}(\\bottom{R}()), \\and{R}(\\top{R}(), '
    '\\and{R}(\\in{SortK{}, R}(X0:SortK{}, VarK:SortK{}), \\top{R}()))), '
    '\\equals{SortBool{}, R}(LblisValue{}(X0:SortK{}), \\dv{SortBool{}}("false"))) [owise{}()]'
)
EQUATIONS: Final = '\n'.join(
    [
        equation(app('factorial', i(0)), i(1), 'Int'),
        equation(
            app('factorial', v('N')),
            app('mul', v('N'), app('factorial', app('sub', v('N'), i(1)))),
            'Int',
            app('gt', v('N'), i(0)),
        ),
        equation(
            app('size', app('plus', v('A', 'Exp'), v('B', 'Exp'))),
            app('add', app('size', v('A', 'Exp')), app('size', v('B', 'Exp'))),
            'Int',
        ),
        equation(app('size', v('E', 'Exp')), i(1), 'Int', attributes='owise{}()'),
        equation(
            app('isValue', f'kseq{{}}({inj(v("V", "Value"), "Value")}, dotk{{}}())'),
            '\\dv{SortBool{}}("true")',
            'Bool',
        ),
        _AS_ARGUMENT,
        equation(app('add', v('X'), i(0)), v('X'), 'Int', attributes='simplification{}("")'),
        equation(
            app('endless', v('X')), app('endless', app('add', v('X'), i(1))), 'Int', attributes='simplification{}("")'
        ),
    ]
)


def text(*axioms: str) -> str:
    """Return the text of the definition with further axioms."""
    lines = '\n'.join(axioms)
    return f'[]\n\nmodule LAB\n{DECLARATIONS}\n{EQUATIONS}\n{lines}\nendmodule []\n'


def engine(*axioms: str) -> Engine:
    """Return an engine over the definition with further axioms."""
    return Engine(parse_definition(text(*axioms)).modules, 'LAB')


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Have the recursion limit of the server's threads, which evaluate deep terms by recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class Lab:
    """One engine and the means to ask it."""

    def __init__(self, *axioms: str) -> None:
        self.engine = engine(*axioms)
        self.theory = self.engine.definition_for(None)
        self.signature = self.theory.signature

    def solver(self) -> Solver:
        return Solver(self.theory, 500, 1)

    def execute(self, pattern: str, module: str | None = None, **params: Any) -> Json:
        """Run `execute` on a pattern in Kore text."""
        return self.execute_json(parse_pattern(pattern), module, **params)

    def execute_json(self, pattern: Json, module: str | None = None, **params: Any) -> Json:
        """Run `execute` on a pattern."""
        return self.engine.execute(pattern, module, ExecuteParams(**params), Budget.unlimited(), self.solver())

    def simplify(self, pattern: str) -> Json:
        """Return the pattern of the answer to `simplify`."""
        answer = self.engine.simplify(parse_pattern(pattern), None, Budget.unlimited(), self.solver())
        result: Json = answer['state']['term']
        return result

    def implies(self, antecedent: str, consequent: str, *, assume_defined: bool = False) -> Json:
        """Run `implies` on two patterns in Kore text."""
        return self.engine.implies(
            parse_pattern(antecedent),
            parse_pattern(consequent),
            None,
            ImpliesParams(assume_defined=assume_defined),
            Budget.unlimited(),
            self.solver(),
        )

    def term(self, pattern: str) -> Term:
        """Return the term of a pattern in Kore text, as it is read."""
        from kprover.server.internalise import Reader

        made = Reader(self.signature).term(parse_pattern(pattern))
        assert not isinstance(made, type(None))
        return made  # type: ignore[return-value]
