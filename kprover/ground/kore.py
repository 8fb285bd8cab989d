"""Kore text, read into terms and declarations, and terms written as Kore.

The reader knows what kompile writes and pyk prints: declarations, and patterns of applications, variables and strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .terms import DV, App, MapValue, SetValue, Var

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from .definition import Definition
    from .terms import Term

_TOKEN: Final = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<string>"(?:[^"\\]|\\.)*")|(?P<name>[\\@]?[A-Za-z][A-Za-z0-9'\-]*)|(?P<sign>:=|[{}()\[\],:])""",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r'\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))', re.DOTALL)
_PLAIN: Final = {'n': '\n', 't': '\t', 'r': '\r', 'f': '\f'}


class KoreSyntaxError(ValueError):
    """The text is not the Kore that was expected."""


@dataclass(frozen=True)
class Sentence:
    """A declaration of a module.

    Attributes:
        kind: `sort`, `hooked-sort`, `symbol`, `hooked-symbol`, `axiom`.
        name: Of the sort or symbol; empty for an axiom.
        params: Its sort variables.
        sorts: Of the arguments of a symbol.
        sort: Of its result.
        pattern: Of an axiom.
        attributes: The attributes as patterns, by their symbols.
    """

    kind: str
    name: str
    params: tuple[str, ...]
    sorts: tuple[str, ...]
    sort: str
    pattern: Term | None
    attributes: dict[str, App]


def read_pattern(text: str) -> Term:
    """The pattern in a text."""
    reader = _Reader(text)
    return reader.pattern()


def read_definition(text: str) -> list[Sentence]:
    """The sentences of all modules of a definition."""
    return _Reader(text).definition()


def read_module(text: str) -> list[Sentence]:
    """The sentences of one module."""
    return _Reader(text).modules()


class _Reader:
    """A reader of tokens, by recursive descent; patterns are read on a stack of their own, however deep they are."""

    def __init__(self, text: str):
        self._kinds: list[str] = []
        self._tokens: list[str] = []
        position = 0
        for match in _TOKEN.finditer(text):
            if match.start() != position:
                raise KoreSyntaxError(f'Expected Kore, found {text[position : position + 40]!r} at {position}')
            position = match.end()
            if match.lastgroup is not None:
                self._kinds.append(match.lastgroup)
                self._tokens.append(match.group())
        if position != len(text):
            raise KoreSyntaxError(f'Expected Kore, found {text[position : position + 40]!r} at {position}')
        self._kinds.append('end')
        self._tokens.append('')
        self._at = 0
        self._shared: dict[str, str] = {}

    def definition(self) -> list[Sentence]:
        self._attributes()
        return self.modules()

    def modules(self) -> list[Sentence]:
        sentences: list[Sentence] = []
        while self._tokens[self._at] == 'module':
            self._at += 2
            while self._tokens[self._at] != 'endmodule':
                if (sentence := self._sentence()) is not None:
                    sentences.append(sentence)
            self._at += 1
            self._attributes()
        return sentences

    def _sentence(self) -> Sentence | None:
        kind = self._next()
        if kind == 'import':
            self._at += 1
            self._attributes()
            return None
        if kind in ('sort', 'hooked-sort'):
            name = self._next()
            params = self._sort_list()
            return Sentence(kind, name, params, (), '', None, self._attributes())
        if kind in ('symbol', 'hooked-symbol'):
            name = self._next()
            params = self._sort_list()
            sorts = self._list('(', ')', self._sort)
            self._expect(':')
            return Sentence(kind, name, params, sorts, self._sort(), None, self._attributes())
        if kind in ('axiom', 'claim'):
            params = self._sort_list()
            pattern = self.pattern()
            return Sentence(kind, '', params, (), '', pattern, self._attributes())
        if kind == 'alias':
            while self._tokens[self._at] != ':=':
                self._at += 1
            self._at += 1
            self.pattern()
            self._attributes()
            return None
        raise KoreSyntaxError(f'Expected a sentence, found {kind!r}')

    def _attributes(self) -> dict[str, App]:
        found = self._list('[', ']', self.pattern)
        return {part.name: part for part in found if isinstance(part, App)}

    def _list(self, opening: str, closing: str, item: Callable[[], Term | str]) -> tuple:  # type: ignore[type-arg]
        self._expect(opening)
        items = []
        while self._tokens[self._at] != closing:
            items.append(item())
            if self._tokens[self._at] == ',':
                self._at += 1
        self._at += 1
        return tuple(items)

    def _sort_list(self) -> tuple[str, ...]:
        return self._list('{', '}', self._sort)

    def _sort(self) -> str:
        name = self._next()
        if self._tokens[self._at] != '{':
            return self._share(name)
        return self._share(f'{name}{{{",".join(self._sort_list())}}}')

    def _share(self, text: str) -> str:
        return self._shared.setdefault(text, text)

    def pattern(self) -> Term:
        """One pattern; its applications are finished from the inside out."""
        open_: list[tuple[str, tuple[str, ...], list[Term]]] = []
        while True:
            done = self._begin(open_)
            while done is not None:
                if not open_:
                    return done
                open_[-1][2].append(done)
                done = None
                if self._tokens[self._at] == ',':
                    self._at += 1
                elif self._tokens[self._at] == ')':
                    self._at += 1
                    done = _application(*open_.pop())
                else:
                    raise KoreSyntaxError(f'Expected a comma or bracket, found {self._tokens[self._at]!r}')

    def _begin(self, open_: list[tuple[str, tuple[str, ...], list[Term]]]) -> Term | None:
        kind, token = self._kinds[self._at], self._tokens[self._at]
        if kind == 'string':
            self._at += 1
            return App('"', (), (DV('', unescape(token[1:-1])),))
        if kind != 'name':
            raise KoreSyntaxError(f'Expected a pattern, found {token!r}')
        self._at += 1
        following = self._tokens[self._at]
        if following == ':':
            self._at += 1
            return Var(self._share(token), self._sort())
        sorts = self._sort_list() if following == '{' else ()
        if self._tokens[self._at] == ':':  # a variable whose name has braces is none of kompile's
            raise KoreSyntaxError(f'Expected an application, found {token!r} with a sort')
        self._expect('(')
        if self._tokens[self._at] == ')':
            self._at += 1
            return _application(token, sorts, [])
        open_.append((self._share(token), sorts, []))
        return None

    def _next(self) -> str:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._tokens[self._at] != token:
            raise KoreSyntaxError(f'Expected {token!r}, found {self._tokens[self._at]!r}')
        self._at += 1


def _application(name: str, sorts: tuple[str, ...], args: list[Term]) -> Term:
    if name == '\\dv':
        (text,) = args
        assert isinstance(text, App)
        (content,) = text.args
        assert isinstance(content, DV)
        return DV(sorts[0], content.value)
    if name in ('\\left-assoc', '\\right-assoc'):
        (inner,) = args
        assert isinstance(inner, App)
        parts = list(inner.args)
        while len(parts) > 1:
            pair = slice(0, 2) if name == '\\left-assoc' else slice(-2, None)
            parts[pair] = [App(inner.name, inner.sorts, tuple(parts[pair]))]
        return parts[0]
    if name in ('\\and', '\\or') and len(args) != 2:
        neutral = App('\\top' if name == '\\and' else '\\bottom', sorts, ())
        while len(args) > 1:
            args[-2:] = [App(name, sorts, (args[-2], args[-1]))]
        return args[0] if args else neutral
    return App(name, sorts, tuple(args))


def unescape(text: str) -> str:
    """The content of a Kore string literal."""

    def character(match: re.Match[str]) -> str:
        code = match.group(1) or match.group(2) or match.group(3)
        return chr(int(code, 16)) if code else _PLAIN.get(match.group(4), match.group(4))

    return _ESCAPE.sub(character, text) if '\\' in text else text


def escape(text: str) -> str:
    """A text as the content of a Kore string literal."""
    parts = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            parts.append('\\' + char)
        elif 0x20 <= code < 0x7F:
            parts.append(char)
        elif code < 0x100:
            parts.append(f'\\x{code:02x}')
        else:
            parts.append(f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}')
    return ''.join(parts)


def write(term: Term, definition: Definition) -> str:
    """A pattern or value as Kore text; deep terms need a big stack."""
    if isinstance(term, Var):
        return f'{term.name}:{term.sort}'
    if isinstance(term, DV):
        return f'\\dv{{{term.sort}}}("{escape(term.value)}")'
    if isinstance(term, App):
        args = ','.join(write(arg, definition) for arg in term.args)
        return f'{term.name}{{{",".join(term.sorts)}}}({args})'
    collection = definition.collections[term.sort]
    if isinstance(term, MapValue):
        rows: list[tuple[Term, ...]] = list(term.items.items())
    else:
        rows = [(item,) for item in term.items]
    elements = [f'{collection.element}{{}}({",".join(write(part, definition) for part in row)})' for row in rows]
    if isinstance(term, SetValue | MapValue):
        elements.sort()
    if not elements:
        return f'{collection.unit}{{}}()'
    text = elements.pop()
    while elements:
        text = f'{collection.concat}{{}}({elements.pop()},{text})'
    return text
