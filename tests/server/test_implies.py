"""Implication: what is valid, what is not, and what a valid answer carries."""

from __future__ import annotations

import pytest
from kore_lab import Lab, cell, entry, ident, joined
from kore_text import app, both, i, inj, nope, same, truth, v

from kprover.server.errors import ImplicationError

TOP = 'SortGeneratedTopCell{}'


@pytest.fixture(scope='module')
def lab() -> Lab:
    return Lab()


def at(value: str) -> str:
    """Return a configuration that holds an integer."""
    return cell(app('done', value))


def exists(name: str, pattern: str, of: str = 'Int') -> str:
    """Return a pattern under an existential quantifier."""
    return f'\\exists{{{TOP}}}({v(name, of)}, {pattern})'


def forall(name: str, pattern: str, of: str = 'Int') -> str:
    """Return a pattern under a universal quantifier."""
    return f'\\forall{{{TOP}}}({v(name, of)}, {pattern})'


VALID = {
    'itself': (at(v('X')), at(v('X'))),
    'a witness from the term': (at(i(3)), exists('Y', at(v('Y')))),
    'a witness that meets a condition': (at(i(3)), exists('Y', both(at(v('Y')), truth(app('gt', v('Y'), i(2)))))),
    'a witness from an equation': (at(v('X')), exists('Y', both(at(v('X')), same(v('Y'), app('add', v('X'), i(1)))))),
    'what the condition gives': (
        both(at(v('X')), truth(app('gt', v('X'), i(1)))),
        both(at(v('X')), truth(app('gt', v('X'), i(0)))),
    ),
    'equal values': (both(at(v('X')), same(v('X'), i(2))), at(i(2))),
    'arithmetic': (at(app('sub', app('add', v('X'), i(1)), i(1))), at(v('X'))),
    'a contradiction implies anything': (both(at(v('X')), truth(app('gt', v('X'), v('X')))), at(i(0))),
    'an entry among others': (
        cell(app('stop'), joined(entry(ident('a'), i(1)), v('M', 'Map'))),
        exists('N', cell(app('stop'), joined(entry(ident('a'), v('N')), v('M', 'Map')))),
    ),
    'a map and its rest': (
        cell(app('stop'), joined(entry(ident('a'), i(1)), entry(ident('b'), i(2)))),
        exists('M', cell(app('stop'), joined(entry(ident('b'), i(2)), v('M', 'Map'))), 'Map'),
    ),
    'keys in another order': (
        cell(app('stop'), joined(entry(ident('a'), i(1)), entry(ident('b'), i(2)))),
        cell(app('stop'), joined(entry(ident('b'), i(2)), entry(ident('a'), i(1)))),
    ),
    'whatever holds of all': (at(v('X')), forall('Y', both(at(v('X')), truth(app('le', v('Y'), v('Y')))))),
}
NOT_VALID = {
    'another literal': (at(i(0)), at(i(1))),
    'a variable is no literal': (at(v('X')), at(i(0))),
    'too weak a condition': (
        both(at(v('X')), truth(app('gt', v('X'), i(0)))),
        both(at(v('X')), truth(app('gt', v('X'), i(1)))),
    ),
    'a witness that fails a condition': (at(i(1)), exists('Y', both(at(v('Y')), truth(app('gt', v('Y'), i(2)))))),
    'not for all': (at(v('X')), forall('Y', at(v('Y')))),
    'not the same for all': (at(v('X')), exists('Y', forall('Z', both(at(v('X')), same(v('Y'), v('Z')))))),
    'a bound variable is not the free one of its name': (
        both(at(v('X')), truth(app('gt', v('X'), i(0)))),
        both(at(v('X')), f'\\forall{{{TOP}}}({v("X")}, {truth(app("gt", v("X"), i(0)))})'),
    ),
    'an entry that is missing': (
        cell(app('stop'), entry(ident('a'), i(1))),
        cell(app('stop'), joined(entry(ident('a'), i(1)), entry(ident('b'), i(2)))),
    ),
    'an entry too many': (
        cell(app('stop'), joined(entry(ident('a'), i(1)), entry(ident('b'), i(2)))),
        cell(app('stop'), entry(ident('a'), i(1))),
    ),
    'an unknown function': (at(app('unknown', v('X'))), at(app('unknown', app('add', v('X'), i(1))))),
    'a divisor that may be zero': (
        at(v('X')),
        exists(
            'Y',
            both(
                at(v('X')),
                same(app('mul', app('tdiv', i(0), v('X')), i(0)), i(0)),
                truth(app('ne', app('tdiv', i(6), v('X')), i(7))),
            ),
        ),
    ),
    'swapped values': (
        cell(app('stop'), joined(entry(ident('a'), v('B')), entry(ident('b'), v('B')), entry(ident('c'), v('A')))),
        cell(app('stop'), joined(entry(ident('a'), v('B')), entry(ident('b'), v('A')), entry(ident('c'), v('A')))),
    ),
    'a term is not its complement': (at(v('X')), nope(at(v('X')))),
}


@pytest.mark.parametrize('name', VALID)
def test_what_follows_is_valid(lab: Lab, name: str) -> None:
    answer = lab.implies(*VALID[name])
    assert (answer['valid'], answer['status']) == (True, 'valid')
    assert {'substitution', 'predicate'} <= answer['condition'].keys()


@pytest.mark.parametrize('name', NOT_VALID)
def test_what_does_not_follow_is_not_valid(lab: Lab, name: str) -> None:
    answer = lab.implies(*NOT_VALID[name])
    assert not answer['valid']
    assert answer['status'] in ('invalid', 'indeterminate')


def test_that_a_consequent_has_a_value_is_to_be_shown_or_said(lab: Lab) -> None:
    quotient = exists('Y', both(at(v('X')), truth(app('eq', v('Y'), app('tdiv', i(6), v('X'))))))
    assert not lab.implies(at(v('X')), quotient)['valid']
    assert lab.implies(at(v('X')), quotient, assume_defined=True)['valid']
    # that it has one does not say which
    seven = both(at(v('X')), truth(app('eq', i(7), app('tdiv', i(6), v('X')))))
    assert not lab.implies(at(v('X')), seven, assume_defined=True)['valid']
    # nor what makes it have one
    with_divisor = exists(
        'Y', both(at(v('X')), truth(app('eq', v('Y'), app('tdiv', i(6), v('X')))), truth(app('ne', v('X'), i(0))))
    )
    assert not lab.implies(at(v('X')), with_divisor, assume_defined=True)['valid']
    # and it cannot be assumed where it is known to have none
    for zero in (i(0), v('X')):
        known = both(at(zero), same(v('X'), i(0)))
        assert not lab.implies(known, quotient, assume_defined=True)['valid']


def test_a_valid_answer_gives_values_to_the_existential_variables(lab: Lab) -> None:
    answer = lab.implies(at(app('add', v('X'), i(1))), exists('Y', at(v('Y'))))
    equation = answer['condition']['substitution']['term']
    assert equation['tag'] == 'Equals'
    assert equation['first']['name'] == 'VarY'
    assert equation['second']['name'] == 'Lbladd'
    assert answer['condition']['predicate']['term']['tag'] == 'Top'


def test_names_of_the_answer_are_names_of_the_request(lab: Lab) -> None:
    square = truth(app('eq', app('mul', v('Y'), v('Y')), v('X')))
    answer = lab.implies(at(v('X')), exists('Y', both(at(v('X')), square)))
    assert not answer['valid']
    assert '#' not in repr(answer)


@pytest.mark.parametrize(
    ('antecedent', 'consequent'),
    [
        (at(i(0)), at(v('X'))),
        (at(v('X')), exists('X', at(v('X')))),
        (exists('X', at(v('X'))), at(i(0))),
        (inj(i(1), 'Int'), at(i(0))),
    ],
    ids=['free on the right only', 'name capture', 'quantified antecedent', 'different sorts'],
)
def test_claims_outside_of_the_protocol_are_refused(lab: Lab, antecedent: str, consequent: str) -> None:
    with pytest.raises(ImplicationError):
        lab.implies(antecedent, consequent)
