"""The parser of textual Kore: the sentences of `sentences.py`, with patterns as dictionaries of KORE JSON.

Patterns of the text and patterns of a request have one form here, so that `internalise.py` reads both. The parser keeps
its own stack and so has no limit on nesting. It follows the Kore grammar (K's `docs/kore-syntax.md`); what it cannot
read it refuses with a line and a column. Nothing here knows what a symbol or a sort means.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Final, TypeVar, final

from .sentences import (
    AliasDecl,
    Axiom,
    ImportDecl,
    Json,
    Module,
    ParsedDefinition,
    Place,
    Sentence,
    SortDecl,
    SymbolDecl,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['KoreSyntaxError', 'parse_definition', 'parse_module', 'parse_pattern']

_T = TypeVar('_T')


class KoreSyntaxError(Exception):
    """The text is not Kore. `line` and `column` count from 1; `reason` says what was expected and found."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f'{line}:{column}: {reason}')
        self.reason = reason
        self.line = line
        self.column = column


_SHOWN: Final = 80
"""Characters of a token that a message repeats."""
# A token is an identifier (also with a leading \ or @), a string, or one of the punctuation marks.
_TOKEN: Final = re.compile(
    r"""[ \t\r\n\f]*(?:(?://[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)[ \t\r\n\f]*)*"""
    r"""([\\@]?[A-Za-z][A-Za-z0-9'-]*|"(?:[^"\\\n]|\\.)*"|:=|[][{}(),:])""",
    re.DOTALL,
)
_BLANK: Final = re.compile(r"""[ \t\r\n\f]*(?:(?://[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)[ \t\r\n\f]*)*""", re.DOTALL)
_ESCAPE: Final = re.compile(r"""\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)""", re.DOTALL)
_SIMPLE_ESCAPES: Final = {'n': '\n', 't': '\t', 'r': '\r', 'f': '\f', '"': '"', '\\': '\\'}

# Connectives of n arguments with one sort parameter, and their tags.
_CONNECTIVES: Final = {
    '\\top': ('Top', 0),
    '\\bottom': ('Bottom', 0),
    '\\not': ('Not', 1),
    '\\next': ('Next', 1),
    '\\implies': ('Implies', 2),
    '\\iff': ('Iff', 2),
    '\\rewrites': ('Rewrites', 2),
    '\\and': ('And', -1),
    '\\or': ('Or', -1),
}
_BETWEEN_SORTS: Final = {'\\ceil': ('Ceil', 1), '\\floor': ('Floor', 1), '\\equals': ('Equals', 2), '\\in': ('In', 2)}
_BINDERS: Final = {'\\exists': 'Exists', '\\forall': 'Forall'}
_FIXPOINTS: Final = {'\\mu': 'Mu', '\\nu': 'Nu'}
_ASSOCIATIVE: Final = {'\\left-assoc': 'LeftAssoc', '\\right-assoc': 'RightAssoc'}


def _unescape(match: re.Match[str]) -> str:
    text = match.group()
    if text[1] in 'xuU':
        return chr(int(text[2:], 16))
    return _SIMPLE_ESCAPES.get(text[1], text[1])


@final
class _Parser:
    """A recursive-descent parser over one text; patterns with an explicit stack."""

    __slots__ = ('counted', 'line', 'pos', 'sorts', 'start', 'text', 'token')

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.start = 0
        self.token = ''
        self.sorts: dict[str, Json] = {}
        # The line at the offset up to which lines have been counted.
        self.line = 1
        self.counted = 0
        self.advance()

    # Tokens -----------------------------------------------------------------------------------------------------

    def advance(self) -> str:
        """Move to the next token and return the one before; the empty token is the end of the text."""
        previous = self.token
        match = _TOKEN.match(self.text, self.pos)
        if match is None:
            blank = _BLANK.match(self.text, self.pos)
            self.start = blank.end() if blank is not None else self.pos
            if self.start < len(self.text):
                raise self.error(f'expected Kore, found the character {self.text[self.start]!r}')
            self.token = ''
            self.pos = self.start
        else:
            self.token = match.group(1)
            self.start = match.start(1)
            self.pos = match.end()
        return previous

    def error(self, reason: str) -> KoreSyntaxError:
        line = self.text.count('\n', 0, self.start) + 1
        column = self.start - self.text.rfind('\n', 0, self.start)
        return KoreSyntaxError(reason, line, column)

    def place(self) -> Place:
        """Return where the current token begins. Never goes back in the text."""
        self.line += self.text.count('\n', self.counted, self.start)
        self.counted = self.start
        return self.line, self.start - self.text.rfind('\n', 0, self.start)

    def found(self) -> str:
        """Return the current token for a message."""
        if not self.token:
            return 'the end of the text'
        return repr(self.token if len(self.token) <= _SHOWN else f'{self.token[:_SHOWN]}...')

    def expect(self, token: str) -> None:
        if self.token != token:
            raise self.error(f'expected {token!r}, found {self.found()}')
        self.advance()

    def accept(self, token: str) -> bool:
        if self.token == token:
            self.advance()
            return True
        return False

    def identifier(self) -> str:
        token = self.token
        if not token or not (token[0].isalpha() or token[0] in '@\\'):
            raise self.error(f'expected an identifier, found {self.found()}')
        self.advance()
        return token

    def string(self) -> str:
        token = self.token
        if not token.startswith('"'):
            raise self.error(f'expected a string, found {self.found()}')
        self.advance()
        body = token[1:-1]
        return _ESCAPE.sub(_unescape, body) if '\\' in body else body

    # Sorts ------------------------------------------------------------------------------------------------------

    def sort(self) -> Json:
        name = self.identifier()
        if self.token == '{':
            return self.sort_arguments(name)
        return {'tag': 'SortVar', 'name': name}

    def sort_arguments(self, name: str) -> Json:
        self.expect('{')
        if self.token == '}':
            self.advance()
            found = self.sorts.get(name)
            if found is None:
                found = self.sorts[name] = {'tag': 'SortApp', 'name': name, 'args': []}
            return found
        args = [self.sort()]
        while self.accept(','):
            args.append(self.sort())
        self.expect('}')
        return {'tag': 'SortApp', 'name': name, 'args': args}

    def sort_list(self) -> list[Json]:
        """Parse `{S, ...}`."""
        return self.listed('{', self.sort, '}')

    def parameters(self) -> tuple[str, ...]:
        """Parse `{P, ...}`: names of sort variables."""
        return tuple(self.listed('{', self.identifier, '}'))

    def listed(self, opening: str, item: Callable[[], _T], closing: str) -> list[_T]:
        """Parse items with commas between them, or none."""
        self.expect(opening)
        result: list[_T] = []
        if self.accept(closing):
            return result
        result.append(item())
        while self.accept(','):
            result.append(item())
        self.expect(closing)
        return result

    # Patterns ---------------------------------------------------------------------------------------------------

    def pattern(self) -> Json:
        """Parse one pattern.

        Each frame on the stack is a node under construction with the list that its arguments go to and the function
        that completes it from that list.
        """
        stack: list[tuple[Json, list[Json], int]] = []
        while True:
            node, wants = self.open_pattern()
            done: Json | None = node
            if wants:
                self.expect('(')
                if self.token == ')' and wants == -1:
                    self.advance()
                    done = self.close_pattern(node, [])
                else:
                    stack.append((node, [], wants))
                    continue
            while done is not None:
                if not stack:
                    return done
                parent, args, wanted = stack[-1]
                args.append(done)
                if self.accept(','):
                    if len(args) == wanted:
                        raise self.error(f'expected {wanted} arguments, found more')
                    done = None
                else:
                    self.expect(')')
                    if wanted != -1 and len(args) != wanted:
                        raise self.error(f'expected {wanted} arguments, found {len(args)}')
                    stack.pop()
                    done = self.close_pattern(parent, args)

    def open_pattern(self) -> tuple[Json, int]:
        """Parse the head of a pattern.

        Return the node and how many arguments in parentheses follow: 0 for none (the node is complete), -1 for any.
        """
        token = self.token
        if token.startswith('"'):
            return {'tag': 'String', 'value': self.string()}, 0
        name = self.identifier()
        if name[0] != '\\':
            if self.token == ':':
                self.advance()
                tag = 'SVar' if name[0] == '@' else 'EVar'
                return {'tag': tag, 'name': name, 'sort': self.sort()}, 0
            return {'tag': 'App', 'name': name, 'sorts': self.sort_list(), 'args': []}, -1
        if name in _CONNECTIVES:
            tag, arity = _CONNECTIVES[name]
            self.expect('{')
            node: Json = {'tag': tag, 'sort': self.sort()}
            self.expect('}')
            if arity == 0:
                self.expect('(')
                self.expect(')')
            return node, arity
        if name in _BETWEEN_SORTS:
            tag, arity = _BETWEEN_SORTS[name]
            self.expect('{')
            node = {'tag': tag, 'argSort': self.sort()}
            self.expect(',')
            node['sort'] = self.sort()
            self.expect('}')
            return node, arity
        if name == '\\dv':
            self.expect('{')
            node = {'tag': 'DV', 'sort': self.sort()}
            self.expect('}')
            self.expect('(')
            node['value'] = self.string()
            self.expect(')')
            return node, 0
        if name in _BINDERS or name in _FIXPOINTS:
            return self.open_binder(name)
        if name in _ASSOCIATIVE:
            return self.open_associative(name)
        raise self.error(f'expected a pattern, found {name!r}')

    def open_binder(self, name: str) -> tuple[Json, int]:
        """Parse the head of a quantifier; its variable is then read as an ordinary first argument."""
        node: Json = {'tag': _BINDERS.get(name) or _FIXPOINTS[name]}
        self.expect('{')
        if name in _BINDERS:
            node['sort'] = self.sort()
        self.expect('}')
        return node, 2

    def open_associative(self, name: str) -> tuple[Json, int]:
        """Parse `\\left-assoc{}(head(`; the closing parenthesis of the outer pair is taken by `close_pattern`."""
        node: Json = {'tag': _ASSOCIATIVE[name]}
        self.expect('{')
        self.expect('}')
        self.expect('(')
        head = self.identifier()
        if head in ('\\and', '\\or'):
            self.expect('{')
            node['head'] = {'tag': _CONNECTIVES[head][0], 'sort': self.sort()}
            self.expect('}')
        else:
            node['head'] = {'tag': 'App', 'name': head, 'sorts': self.sort_list(), 'args': []}
        return node, -1

    def close_pattern(self, node: Json, args: list[Json]) -> Json:
        tag = node['tag']
        if tag == 'App':
            node['args'] = args
        elif tag in ('And', 'Or'):
            node['patterns'] = args
        elif tag in ('Not', 'Ceil', 'Floor', 'Next'):
            if tag == 'Next':
                node['dest'] = args[0]
            else:
                node['arg'] = args[0]
        elif tag in ('Implies', 'Iff', 'Equals', 'In'):
            node['first'], node['second'] = args
        elif tag == 'Rewrites':
            node['source'], node['dest'] = args
        elif tag in ('Exists', 'Forall', 'Mu', 'Nu'):
            variable, body = args
            if variable['tag'] not in ('EVar', 'SVar'):
                raise self.error('expected a variable and a pattern in the quantifier')
            node['var'] = variable['name']
            node['varSort'] = variable['sort']
            node['arg'] = body
        else:
            self.expect(')')
            return self.associate(node, args)
        return node

    def associate(self, node: Json, args: list[Json]) -> Json:
        """Spell out `\\left-assoc` or `\\right-assoc`."""
        head = node['head']
        if not args:
            raise self.error('expected at least one argument of an associative chain')
        if head['tag'] != 'App':
            return {**head, 'patterns': args}

        def binary(left: Json, right: Json) -> Json:
            return {**head, 'args': [left, right]}

        if node['tag'] == 'LeftAssoc':
            return reduce(binary, args)
        return reduce(lambda right, left: binary(left, right), reversed(args))

    # Sentences --------------------------------------------------------------------------------------------------

    def attributes(self) -> dict[str, list[Json]]:
        """Parse `[name{}(args), ...]`. Of two attributes with one name the first stays."""
        self.expect('[')
        result: dict[str, list[Json]] = {}
        if self.accept(']'):
            return result
        while True:
            pattern = self.pattern()
            if pattern['tag'] != 'App':
                raise self.error('expected an attribute')
            args: list[Json] = pattern['args'] or [{'tag': 'Sort', **sort} for sort in pattern['sorts']]
            result.setdefault(pattern['name'], args)
            if not self.accept(','):
                break
        self.expect(']')
        return result

    def module(self) -> Module:
        self.expect('module')
        name = self.identifier()
        sentences: list[Sentence] = []
        while self.token != 'endmodule':
            sentences.append(self.sentence())
        self.advance()
        return Module(name, tuple(sentences), self.attributes())

    def sentence(self) -> Sentence:
        keyword = self.token
        place = self.place()
        if keyword in ('sort', 'hooked-sort'):
            self.advance()
            name = self.identifier()
            return SortDecl(name, self.parameters(), keyword != 'sort', self.attributes(), place)
        if keyword in ('symbol', 'hooked-symbol'):
            self.advance()
            name = self.identifier()
            parameters = self.parameters()
            arg_sorts = self.parenthesised_sorts()
            self.expect(':')
            result = self.sort()
            return SymbolDecl(name, parameters, arg_sorts, result, keyword != 'symbol', self.attributes(), place)
        if keyword in ('axiom', 'claim'):
            self.advance()
            parameters = self.parameters()
            pattern = self.pattern()
            return Axiom(parameters, pattern, self.attributes(), keyword == 'claim', place)
        if keyword == 'import':
            self.advance()
            name = self.identifier()
            self.attributes()
            return ImportDecl(name, place)
        if keyword == 'alias':
            return self.alias(place)
        raise self.error(f'expected a declaration or "endmodule", found {self.found()}')

    def parenthesised_sorts(self) -> tuple[Json, ...]:
        return tuple(self.listed('(', self.sort, ')'))

    def alias(self, place: Place) -> AliasDecl:
        self.advance()
        name = self.identifier()
        parameters = self.parameters()
        arg_sorts = self.parenthesised_sorts()
        self.expect(':')
        result = self.sort()
        self.expect('where')
        left = self.pattern()
        self.expect(':=')
        right = self.pattern()
        return AliasDecl(name, parameters, arg_sorts, result, left, right, self.attributes(), place)

    def end(self) -> None:
        if self.token:
            raise self.error(f'expected the end of the text, found {self.found()}')


def parse_definition(text: str) -> ParsedDefinition:
    """Return the definition that `text` holds. Raises `KoreSyntaxError`."""
    parser = _Parser(text)
    attributes = parser.attributes()
    modules = []
    while parser.token == 'module':
        modules.append(parser.module())
    parser.end()
    return ParsedDefinition(tuple(modules), attributes)


def parse_module(text: str) -> Module:
    """Return the one module that `text` holds. Raises `KoreSyntaxError`."""
    parser = _Parser(text)
    module = parser.module()
    parser.end()
    return module


def parse_pattern(text: str) -> Json:
    """Return the pattern that `text` holds as KORE JSON. Raises `KoreSyntaxError`."""
    parser = _Parser(text)
    pattern = parser.pattern()
    parser.end()
    return pattern
