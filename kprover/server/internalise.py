"""From KORE JSON to terms and predicates; `externalise.py` is the way back.

`Reader` checks sorts and arities against a `Signature` and refuses what does not fit with a `PatternError`. It keeps
its own stack for terms, so their depth has no limit; predicates are read by recursion.

Where a term stands in conjunction with a predicate, inside a term, the predicate is lifted to the top: a symbol applied
to `t /\\ p` is the application to `t`, in conjunction with `p`.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from .errors import InvalidParams, PatternError
from .predicates import (
    P_BOTTOM,
    P_TOP,
    Equal,
    Exists,
    Forall,
    conjoin,
    disjoin,
    equal,
    negate,
)
from .predicates import ceil as ceil_of
from .substitution import equality
from .symbols import BOOL, BYTES, INT, Sort, sort, sort_var
from .terms import BOTTOM, DV, Term, Var, dv, inj, var

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .predicates import Predicate
    from .sentences import Json
    from .signature import Signature
    from .terms import Bottom

__all__ = ['Reader', 'json_sort']

_NAME: Final = re.compile(r"@?[A-Za-z][A-Za-z0-9'-]*\Z")
_MAX_DIGITS: Final = 100_000
_PREDICATE_TAGS: Final = frozenset(
    {'Top', 'Bottom', 'Not', 'Or', 'Implies', 'Iff', 'Equals', 'In', 'Ceil', 'Floor', 'Exists', 'Forall'}
)


class Renamer(Protocol):
    """Gives a variable its internal name."""

    def __call__(self, name: str) -> str: ...


def _same(name: str) -> str:
    return name


def json_sort(json: Any) -> Sort:
    """Return the sort that a KORE JSON sort names. Raises `InvalidParams`."""
    try:
        tag = json['tag']
        if tag == 'SortApp':
            return sort(json['name'], tuple(json_sort(arg) for arg in json['args']))
        if tag == 'SortVar':
            return sort_var(json['name'])
    except (KeyError, TypeError) as error:
        raise InvalidParams(f'expected a sort, found {json!r:.200}') from error
    raise InvalidParams(f'expected a sort, found the tag {tag!r:.100}')


@final
class Reader:
    """Reads patterns over one signature.

    `sorts` gives the values of sort variables; `rename` the internal names of variables; `lifted` collects predicates
    found beside terms inside of terms. An injection need not follow the declared subsorts: `kompile` itself emits such
    ones, and a value that is injected where no subsort is declared differs from all others.
    """

    __slots__ = ('_bound', '_count', '_rename', '_signature', '_sorts', 'lifted')

    def __init__(
        self, signature: Signature, *, rename: Renamer = _same, sorts: Mapping[Sort, Sort] | None = None
    ) -> None:
        self._signature = signature
        self._rename = rename
        self._sorts = sorts or {}
        self.lifted: list[Predicate] = []
        self._bound: dict[tuple[str, Sort], Var] = {}
        self._count = 0

    # Sorts and variables ----------------------------------------------------------------------------------------

    def sort(self, json: Any) -> Sort:
        """Return a declared sort. Raises `PatternError` for one that is not."""
        found = json_sort(json)
        if self._sorts:
            found = found.substitute(self._sorts)
        if not found.is_variable:
            self._signature.check_sort(found)
        return found

    def variable(self, name: Any, of: Any) -> Var:
        """Return a variable; its name must be one that Kore allows."""
        if not isinstance(name, str) or not _NAME.match(name):
            raise InvalidParams(f'expected the name of a variable, found {name!r:.100}')
        found = self.sort(of)
        if self._bound:
            bound = self._bound.get((name, found))
            if bound is not None:
                return bound
        return var(self._rename(name), found)

    # Terms ------------------------------------------------------------------------------------------------------

    def is_term(self, json: Any) -> bool:
        """Whether the pattern stands for a term, alone or in conjunction with predicates."""
        tag = json.get('tag')
        if tag == 'And':
            return any(self.is_term(one) for one in _members(json))
        return tag not in _PREDICATE_TAGS

    def term(self, json: Any) -> Term | Bottom:
        """Return the term of a pattern; predicates beside it go to `lifted`.

        The result is `BOTTOM` if the pattern can have no value, such as a map with two equal keys.
        """
        # Work items: a JSON node to read, or a finisher (node, symbol, number of arguments) to apply to the results.
        results: list[Term] = []
        work: list[Any] = [json]
        while work:
            item = work.pop()
            if type(item) is tuple:
                node, symbol, count = item
                args = tuple(results[-count:]) if count else ()
                if count:
                    del results[-count:]
                if symbol is None:
                    results.append(self._conjoin_terms(args))
                    continue
                built = self._apply(node, symbol, args)
                if isinstance(built, Term):
                    results.append(built)
                else:
                    return BOTTOM
                continue
            try:
                tag = item['tag']
                if tag == 'App':
                    name = item['name']
                    args_json = item['args']
                    if name == 'inj':
                        symbol = tuple(self.sort(one) for one in item['sorts'])
                        expected = 1
                        if len(symbol) != 2:
                            raise PatternError('Expected two sorts at an injection', [f'found {len(symbol)}'])
                    else:
                        symbol = self._signature.symbol(name, tuple(self.sort(one) for one in item['sorts']))
                        expected = len(symbol.arg_sorts)
                    if len(args_json) != expected:
                        raise PatternError(f'Expected {expected} arguments of {name}, found {len(args_json)}', [name])
                    work.append((item, symbol, expected))
                    work.extend(reversed(args_json))
                elif tag == 'EVar' or tag == 'SVar':
                    if tag == 'SVar' and self._rename is _same:
                        raise PatternError('Expected an element variable, found a set variable', [f'{item["name"]}'])
                    results.append(self.variable(item['name'], item['sort']))
                elif tag == 'DV':
                    results.append(self._domain_value(item))
                elif tag == 'And':
                    terms = []
                    for one in _members(item):
                        if self.is_term(one):
                            terms.append(one)
                        else:
                            self.lifted.append(self.predicate(one))
                    if not terms:
                        raise PatternError('Expected a term, found a predicate', [f'{item!r:.200}'])
                    work.append((item, None, len(terms)))
                    work.extend(reversed(terms))
                elif tag in ('LeftAssoc', 'RightAssoc'):
                    work.append(_spell_out(item))
                elif tag == 'Bottom':
                    return BOTTOM
                elif tag in _PREDICATE_TAGS or tag in ('Rewrites', 'Next', 'Mu', 'Nu', 'String'):
                    raise PatternError(f'Unsupported pattern inside of a term: {tag}', [f'{item!r:.200}'])
                else:
                    raise InvalidParams(f'expected a pattern, found the tag {tag!r:.100}')
            except (KeyError, TypeError) as error:
                raise InvalidParams(f'expected a pattern, found {item!r:.200}') from error
        return results[0]

    def _conjoin_terms(self, args: tuple[Term, ...]) -> Term:
        """Return the first of several terms in conjunction; the others are equal to it."""
        first = args[0]
        for other in args[1:]:
            # A variable is kept on the left: `definition.py` reads such equations as aliases of a pattern.
            if type(first) is Var and type(other) is not Var:
                first, other = other, first
            self.lifted.append(equal(other, first) if type(other) is not Var else Equal(other, first))
        return first

    def _apply(self, node: Json, symbol: Any, args: tuple[Term, ...]) -> Term | Bottom:
        if type(symbol) is tuple:
            source, target = symbol
            if args[0].sort is not source:
                raise PatternError(
                    f'Sort mismatch: expected {source!r}, found {args[0].sort!r}', [f'inj{{{source!r}, {target!r}}}']
                )
            return inj(target, args[0])
        for position, (arg, expected) in enumerate(zip(args, symbol.arg_sorts, strict=True)):
            if arg.sort is not expected:
                raise PatternError(
                    f'Sort mismatch: expected {expected!r}, found {arg.sort!r}',
                    [f'argument {position + 1} of {symbol!r}', f'{arg!r:.200}'],
                )
        return self._signature.construct(symbol, args)

    def _domain_value(self, node: Json) -> DV:
        of = self.sort(node['sort'])
        text = node['value']
        if not isinstance(text, str):
            raise InvalidParams(f'expected the text of a domain value, found {text!r:.100}')
        if of is INT:
            if len(text) > _MAX_DIGITS:
                raise PatternError(f'Expected an integer of at most {_MAX_DIGITS} digits, found more', [repr(of)])
            try:
                if not re.fullmatch(r'[+-]?[0-9]+', text):
                    raise ValueError
                return dv(of, int(text))
            except ValueError:
                raise PatternError(f'Expected an integer, found {text[:100]!r}', [repr(of)]) from None
        if of is BOOL:
            if text not in ('true', 'false'):
                raise PatternError(f'Expected true or false, found {text[:100]!r}', [repr(of)])
            return dv(of, text == 'true')
        if of is BYTES:
            try:
                return dv(of, text.encode('latin-1'))
            except UnicodeEncodeError:
                raise PatternError('Expected characters up to code 255 in a Bytes literal', [repr(of)]) from None
        return dv(of, text)

    # Predicates -------------------------------------------------------------------------------------------------

    def predicate(self, json: Any) -> Predicate:
        """Return the predicate that a pattern without a term of its own stands for."""
        try:
            return self._predicate(json)
        except (KeyError, TypeError) as error:
            raise InvalidParams(f'expected a pattern, found {json!r:.200}') from error

    def _predicate(self, json: Json) -> Predicate:
        tag = json['tag']
        if tag == 'Top':
            return P_TOP
        if tag == 'Bottom':
            return P_BOTTOM
        if tag == 'And':
            return conjoin([self._predicate(one) for one in _members(json)])
        if tag == 'Or':
            return disjoin([self._predicate(one) for one in _members(json)])
        if tag == 'Not':
            return negate(self._predicate(json['arg']))
        if tag == 'Implies':
            return disjoin((negate(self._predicate(json['first'])), self._predicate(json['second'])))
        if tag == 'Iff':
            first, second = self._predicate(json['first']), self._predicate(json['second'])
            return disjoin((conjoin((first, second)), conjoin((negate(first), negate(second)))))
        if tag == 'Equals':
            return self._comparison(json, False)
        if tag == 'In':
            return self._comparison(json, True)
        if tag == 'Ceil':
            if not self.is_term(json['arg']):
                return self._predicate(json['arg'])
            term, beside = self._nested(json['arg'])
            return conjoin((*beside, ceil_of(term) if isinstance(term, Term) else P_BOTTOM))
        if tag == 'Exists' or tag == 'Forall':
            return self._quantified(tag, json)
        if tag in ('LeftAssoc', 'RightAssoc'):
            return self._predicate(_spell_out(json))
        if tag in ('App', 'EVar', 'SVar', 'DV'):
            raise PatternError('Expected a predicate, found a term', [f'{json!r:.200}'])
        if tag in ('Floor', 'Rewrites', 'Next', 'Mu', 'Nu', 'String'):
            raise PatternError(f'Unsupported predicate: {tag}', [f'{json!r:.200}'])
        raise InvalidParams(f'expected a pattern, found the tag {tag!r:.100}')

    def _quantified(self, tag: str, json: Json) -> Predicate:
        """Read a quantifier; its variable gets a name of its own, so that it never meets a free one of that name."""
        name = json['var']
        variable = self.variable(name, json['varSort'])
        self._count += 1
        bound = var(f'{variable.name}#{self._count}', variable.sort)
        outer = self._bound.get((name, variable.sort))
        self._bound[name, variable.sort] = bound
        try:
            body = self._predicate(json['arg'])
        finally:
            if outer is None:
                del self._bound[name, variable.sort]
            else:
                self._bound[name, variable.sort] = outer
        return Exists(bound, body) if tag == 'Exists' else Forall(bound, body)

    def _nested(self, json: Json) -> tuple[Term | Bottom, list[Predicate]]:
        """Read a term inside of a predicate; what stands beside it is returned, not lifted."""
        outer, self.lifted = self.lifted, []
        try:
            return self.term(json), self.lifted
        finally:
            self.lifted = outer

    def _comparison(self, json: Json, is_membership: bool) -> Predicate:
        first, second = json['first'], json['second']
        of = self.sort(json['argSort'])
        if not self.is_term(first) or not self.is_term(second):
            if self.is_term(first) or self.is_term(second):
                # A predicate is all values of the sort, or none.
                return (self._within if is_membership else self._against_predicate)(first, second)
            left, right = self._predicate(first), self._predicate(second)
            if is_membership:
                return conjoin((left, right))
            return disjoin((conjoin((left, right)), conjoin((negate(left), negate(right)))))
        (one, beside), (two, more) = self._nested(first), self._nested(second)
        for side in (one, two):
            if isinstance(side, Term) and side.sort is not of and not of.is_variable:
                raise PatternError(f'Sort mismatch: expected {of!r}, found {side.sort!r}', [f'{side!r:.200}'])
        if beside or more or not isinstance(one, Term) or not isinstance(two, Term):
            # A side is a value where its term is defined and what stands beside it holds; elsewhere it is nothing.
            here = conjoin((*beside, ceil_of(one))) if isinstance(one, Term) else P_BOTTOM
            there = conjoin((*more, ceil_of(two))) if isinstance(two, Term) else P_BOTTOM
            agree = conjoin((here, there, equality(one, two)))
            return agree if is_membership else disjoin((agree, conjoin((negate(here), negate(there)))))
        if is_membership:
            return conjoin((equal(one, two), ceil_of(one), ceil_of(two)))
        return equal(one, two)

    def _within(self, first: Json, second: Json) -> Predicate:
        """Read that a term is one of the values that a pattern which is no term stands for."""
        if not self.is_term(first):
            first, second = second, first
        term, beside = self._nested(first)
        if second['tag'] == 'Not' and self.is_term(second['arg']):
            other, more = self._nested(second['arg'])
            if not isinstance(term, Term):
                return P_BOTTOM
            same = conjoin((*more, equal(term, other), ceil_of(other))) if isinstance(other, Term) else P_BOTTOM
            return conjoin((*beside, ceil_of(term), negate(same)))
        return conjoin((*beside, ceil_of(term) if isinstance(term, Term) else P_BOTTOM, self._predicate(second)))

    def _against_truth(self, first: Json, second: Json) -> Predicate:
        """Read the comparison of a term of sort Bool with a pattern that is no term.

        A predicate is all values of the sort, of which Bool has two, or none; the complement of a value is the other
        one.
        """
        term, beside = self._nested(first)
        has_value = conjoin((*beside, ceil_of(term))) if isinstance(term, Term) else P_BOTTOM
        if second['tag'] == 'Not' and self.is_term(second['arg']):
            other, more = self._nested(second['arg'])
            if not isinstance(term, Term) or not isinstance(other, Term):
                return P_BOTTOM
            return conjoin((has_value, *more, ceil_of(other), negate(equal(term, other))))
        return conjoin((negate(self._predicate(second)), negate(has_value)))

    def _against_predicate(self, first: Json, second: Json) -> Predicate:
        if not self.is_term(first):
            first, second = second, first
        if second['tag'] not in ('Top', 'Bottom') and self.sort(second.get('sort', first.get('sort'))) is BOOL:
            return self._against_truth(first, second)
        term, beside = self._nested(first)
        if second['tag'] != 'Bottom':
            raise PatternError('Unsupported comparison of a term with a predicate', [f'{second!r:.200}'])
        if not isinstance(term, Term):
            return P_TOP
        return negate(conjoin((*beside, ceil_of(term))))


def _members(json: Json) -> Sequence[Json]:
    """Return the arguments of a conjunction or disjunction in either of the two shapes in use."""
    patterns = json.get('patterns')
    if patterns is None:
        return (json['first'], json['second'])
    if not isinstance(patterns, list):
        raise InvalidParams(f'expected a list of patterns, found {patterns!r:.100}')
    return patterns


def _spell_out(json: Json) -> Json:
    """Return an associative chain as nested applications."""
    args = json.get('argss', json.get('args'))
    if not isinstance(args, list) or not args:
        raise InvalidParams('expected at least one argument of an associative chain')
    name = json.get('symbol', json.get('name'))
    if name in ('\\and', '\\or'):
        return {'tag': 'And' if name == '\\and' else 'Or', 'sort': (json.get('sorts') or [None])[0], 'patterns': args}

    def binary(left: Json, right: Json) -> Json:
        return {'tag': 'App', 'name': name, 'sorts': json.get('sorts', []), 'args': [left, right]}

    if json['tag'] == 'LeftAssoc':
        return reduce(binary, args)
    return reduce(lambda right, left: binary(left, right), reversed(args))
