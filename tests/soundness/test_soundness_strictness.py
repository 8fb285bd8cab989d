"""Every symbol is strict: an application of which an argument has no value has none, however it is asked for.

For each symbol of the prelude and each of its arguments there is a term whose argument has no value: written in the
question, behind the body of a function, and behind a variable of which some instances leave it without one. The
evaluator of `meaning` says what is right on the instances.
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import kore_text
import pytest
from kore_text import FREE
from meaning import COLLECTIONS, HOOKS, App, Equation, Lit, Meaning, Pred, Rule, Unknown, Var
from questions import Asker, InProcess, Start, Tally
from worlds import (
    CONSTRUCTORS,
    MODULE,
    OVERLOADS,
    SUBSORTS,
    Terms,
    World,
    b,
    equation_text,
    i,
    inj,
    joined,
    k,
    prelude,
    rule_text,
    state,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meaning import Term

THOROUGH: Final = os.environ.get('FUZZ', '1') != '1'
"""Whether all cases of a symbol are tried, as in `make soundness`, and not a third of them."""
X: Final = Var('X', 'Int')
_KEY: Final = inj(i(1), 'Int', 'KItem')
_SMALL: Final[dict[str, Term]] = {
    'Int': i(0),
    'Bool': b(False),
    'String': Lit('String', ''),
    'Bytes': Lit('Bytes', ''),
    'Map': App('noMap'),
    'Set': App('noSet'),
    'List': App('noList'),
    'KItem': _KEY,
    'Exp': inj(i(0), 'Int', 'Exp'),
    'Val': inj(i(0), 'Int', 'Val'),
}
_GREAT: Final[dict[str, Term]] = {
    **_SMALL,
    'Int': i(1),
    'Bool': b(True),
    'String': Lit('String', 'abc'),
    'Bytes': Lit('Bytes', 'a'),
    'Map': App('entry', (_KEY, _KEY)),
    'Set': App('element', (_KEY,)),
    'List': App('item', (_KEY,)),
}
_WRITTEN: Final[dict[str, list[Term]]] = {
    'Int': [App('tdiv', (i(1), i(0)))],
    'KItem': [App('lookup', (App('noMap'), _KEY))],
    'Map': [joined('Map', [App('entry', (_KEY, _KEY)), App('entry', (inj(X, 'Int', 'KItem'), _KEY))])],
}
"""Terms without a value, of maps where X is 1; the function of the sort that has a case for 1 only comes on top."""
_MORE: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    'ite': (('Bool', 'Int', 'Int'), 'Int'),
    **{name: CONSTRUCTORS[name] for name in ('box', 'pairVal', 'pairExp', 'neg', 'oneVal', 'oneExp', 'holding')},
    **{
        name: signature
        for kind, (concat, element, _) in COLLECTIONS.items()
        if kind != 'AccMap'
        for name, signature in (
            (concat, ((kind, kind), kind)),
            (element, (('KItem',) * (1 + (kind == 'Map')), kind)),
        )
    },
}
SYMBOLS: Final = {**{name: (tuple(args.split()), of) for name, (_, args, of, _, _) in HOOKS.items()}, **_MORE}
_SORTS: Final = tuple(_SMALL)


@dataclass(frozen=True)
class Case:
    """A term of the sort `of` with the variable X, as a term with a function's body and as rules have it."""

    term: Term
    of: str
    name: str

    @property
    def wrapped(self) -> Term:
        """The same behind the body of a function."""
        return App(self.name, (X,))


def _application(name: str, args: list[Term]) -> Term:
    sorts = SYMBOLS[name][0]
    shown = tuple(k(arg, 'KItem') if of == 'K' else arg for arg, of in zip(args, sorts, strict=True))
    return App(name, shown, ('Int',) if name == 'ite' else ())


def cases(symbol: str) -> list[Case]:
    """Return the terms of a symbol that have no value, some of them for some values of X only."""
    args, of = SYMBOLS[symbol]
    plain = ['KItem' if one == 'K' else one for one in args]
    made: list[Case] = []
    for at, others in itertools.product(range(len(args)), (_SMALL, _GREAT, None)):
        sort = plain[at]
        if sort not in _SMALL:
            continue
        for bad in [App(f'p{sort}', (X,)), *_WRITTEN.get(sort, [])]:
            terms: list[Term] = []
            for number, one in enumerate(plain):
                if number == at or (others is None and one == sort):
                    terms.append(bad)
                else:
                    terms.append((others or _GREAT).get(one, App('bigEndianBytes')))
            made.append(Case(_application(symbol, terms), of, f'w{symbol}{len(made)}'))
    return made


CASES: Final = {symbol: cases(symbol) for symbol in SYMBOLS}


def _item(term: Term, of: str) -> Term:
    return inj(term, of, 'KItem') if of != 'KItem' else term


def _rule(control: str, right: Term, requires: Term | None = None) -> Rule:
    of, cells, rest = Var('M', 'Map'), Var('C', 'AccMap'), Var('R', 'K')
    return Rule(
        f'{MODULE}.{control}',
        state(control, (X,), of, cells, rest),
        state('done', (right,), of, cells, rest),
        requires,
        control=control,
    )


def _sometimes(meaning: Meaning, term: Term) -> bool:
    """Return whether a term has, or may have, a value for some X."""
    try:
        return any(meaning.of_pattern(term, {'X': ('Int', value)}) is not None for value in (0, 1, 2))
    except Unknown:
        return True


def strict_world() -> World:
    """Return the definition with the functions and the rules of all cases."""
    source = random.Random(1)
    meaning = Meaning({**CONSTRUCTORS, 'done': (('KItem',), 'Ctl')}, frozenset(SUBSORTS), dict(OVERLOADS))
    lines = [*prelude(source), kore_text.symbol('Lbldone', 'KItem', 'Ctl', FREE)]

    def function(name: str, of: str, equation: Equation) -> None:
        meaning.functions[name] = [equation]
        meaning.signatures[name] = (('Int',), of, False)
        lines.append(kore_text.symbol(f'Lbl{name}', 'Int', of, ('function{}()',)))
        lines.append(equation_text(name, of, equation))

    def control(name: str, rule: Rule) -> None:
        meaning.constructors[name] = (('Int',), 'Ctl')
        lines.append(kore_text.symbol(f'Lbl{name}', 'Int', 'Ctl', FREE))
        meaning.rules.append(rule)
        lines.append(rule_text(rule))

    for sort in _SORTS:
        function(f'p{sort}', sort, Equation((i(1),), _GREAT[sort]))
    for case in itertools.chain.from_iterable(CASES.values()):
        function(case.name, case.of, Equation((X,), case.term))
        right = case.term if _sometimes(meaning, case.term) else case.wrapped  # a side without a value is refused
        control(f'r{case.name}', _rule(f'r{case.name}', _item(right, case.of)))
        same = k(_item(right, case.of), 'KItem')
        control(f'q{case.name}', _rule(f'q{case.name}', _KEY, App('eqK', (same, same))))
    text = '\n'.join(['[]', f'module {MODULE}', *lines, 'endmodule []', ''])
    return World(meaning, Terms(source, {}), {}, text)


@pytest.fixture(scope='module')
def asker() -> Iterator[Asker]:
    world = strict_world()
    server = InProcess(world.text)
    made = Asker(world, server, random.Random(1), Tally())
    made.count = 4  # X is -1, 0 and 1
    yield made
    server.close()


def _state(term: Term) -> Start:
    item = inj(X, 'Int', 'KItem')  # X is free on both sides of each implication
    return Start(state('done', (term,), App('entry', (item, item)), Var('C', 'AccMap')))


@pytest.mark.parametrize('symbol', CASES)
def test_an_argument_without_a_value_leaves_the_application_without_one(asker: Asker, symbol: str) -> None:
    asker.tally = Tally()
    for case in CASES[symbol][:: 1 if THOROUGH else 3]:
        asker.place = case.name
        for term in (case.term, case.wrapped):
            asker.check_simplify(term, case.of, 'simplify')
            asker.check_simplify(Pred('ceil', (term,), case.of), 'GeneratedTopCell', 'ceil')
            asker.check_simplify(_state(_item(term, case.of)).pattern, 'GeneratedTopCell', 'state')
            whole = _item(term, case.of)
            start = _state(_KEY)
            asker.check_implies(start, Pred('and', (start.term, Pred('ceil', (term,), case.of))))
            asker.check_implies(start, Pred('and', (start.term, Pred('not', (Pred('ceil', (term,), case.of),)))))
            truth = App('eqK', (k(whole, 'KItem'), k(whole, 'KItem')))
            asker.check_implies(start, Pred('and', (start.term, Pred('equals', (b(True), truth), 'Bool'))))
            asker.check_implies(_state(_item(_GREAT[case.of], case.of)), _state(whole).pattern)
            asker.check_implies(_state(whole), _state(_item(_GREAT[case.of], case.of)).pattern)
            asker.check_execute(_state(whole), 1)
        for control in (f'r{case.name}', f'q{case.name}'):
            for value in (X, i(0)):
                asker.check_execute(Start(state(control, (value,), Var('M', 'Map'), Var('C', 'AccMap'))), 1)
    assert not asker.tally.errors, asker.tally.errors
    kinds = dict(asker.tally.wrong_kinds)
    assert not asker.tally.wrong, f'{kinds}\n' + '\n'.join(map(str, asker.tally.wrong[:4]))
