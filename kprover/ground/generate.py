"""Values of a sort: small ones, those at borders, random ones; the same for the same seed.

Values of one instance are drawn from what the others have, too, so that keys are found in maps and equal things meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .evaluate import FUEL
from .terms import (
    BOOL,
    BYTES,
    DOTK,
    DV,
    INT,
    KITEM,
    KSEQ,
    STRING,
    App,
    K,
    ListValue,
    MapValue,
    NoValue,
    SetValue,
    Undecided,
    boolean,
    integer,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping
    from typing import Final

    from .definition import Symbol
    from .evaluate import Evaluator
    from .terms import Term, Var

SMALL: Final = (0, 1, 2, 3, -1, -2, -3)
BORDERS: Final = tuple(
    sorted(
        {
            side * (1 << bits) + more
            for bits in (7, 8, 15, 16, 31, 32, 63, 64, 128, 160, 255, 256)
            for side in (1, -1)
            for more in (-1, 0, 1)
        }
    )
)
TEXTS: Final = ('', 'a', 'ab', 'abc', 'x y', '0', '"\\\n', 'é')
_DEPTH: Final = 4
_NO_SORT: Final = ('SortGenerated', 'SortKConfigVar')
_GENERATED: Final = ("Lbl'Hash'", "Lbl'-LT-", 'Lblfreez', 'LblnoKCell')


class NoSuchValue(Exception):
    """No value of a sort can be made."""


class Generator:
    """Makes values over one definition; for one thread."""

    def __init__(self, evaluator: Evaluator, rng: random.Random, literals: Iterable[DV] = ()):
        """
        Args:
            literals: Domain values that the states in question hold: they and their neighbours are worth a try.
        """
        self._evaluator = evaluator
        self._definition = evaluator.definition
        self._rng = rng
        self._literals: dict[str, list[str]] = {
            sort: list(values) for sort, values in self._definition.literals.items()
        }
        for literal in literals:
            self._literals.setdefault(literal.sort, []).append(literal.value)
        self._decks: dict[str, list[int]] = {}
        self._heights: dict[str, int] = {}
        self._pool: dict[str, list[Term]] = {}
        self._number = 0
        self._plain = False
        self._sizes()

    def instance(self, variables: Iterable[Var], given: Mapping[str, Term] | None = None) -> dict[str, Term]:
        """A value for each variable. Raises `NoSuchValue`."""
        found = dict(given or {})
        self._pool = {}
        self._plain = self._number % 3 == 0  # a plain one now and then shows best what is wrong
        self._number += 1
        order = sorted(variables, key=lambda variable: (self._rank(variable.sort), variable.name))
        for variable in order:
            if variable.name not in found:
                found[variable.name] = self._top(variable)
            self._remember(variable.sort, found[variable.name])
        return found

    def some(self, sort: str) -> Term:
        """Some value of a sort. Raises `NoSuchValue`, `Undecided`."""
        try:
            return self._value(sort, _DEPTH)
        except NoSuchValue as err:
            raise Undecided(str(err)) from err

    def _rank(self, sort: str) -> int:
        """Plain values first: what is made later may hold them."""
        return 0 if sort in (INT, BOOL, STRING, BYTES) else 2 if sort in self._definition.collections else 1

    def _top(self, variable: Var) -> Term:
        if variable.sort == INT:
            return integer(self._dealt(variable.name))
        return self._value(variable.sort, 0 if self._plain else self._rng.randint(1, _DEPTH))

    def _dealt(self, name: str) -> int:
        """The next integer for a variable: all the small ones come up before the first comes again."""
        deck = self._decks.get(name)
        if not deck:
            first = name not in self._decks
            deck = list(SMALL)
            near = self._near()
            deck += self._rng.sample(near, min(len(near), 6))
            deck += [] if first else [self._integer() for _ in range(10)]
            self._rng.shuffle(deck)
            self._decks[name] = deck
        return deck.pop()

    def _near(self) -> list[int]:
        """The integers of the states and rules, with their neighbours."""
        literals = {int(text) for text in self._literals.get(INT, ())}
        return sorted({value + more for value in literals for more in (-1, 0, 1)})

    def _integer(self) -> int:
        rng = self._rng
        match rng.randrange(10):
            case 0 | 1:
                return rng.choice(BORDERS)
            case 2 | 3:
                near = self._near()
                return rng.choice(near) if near else 0
            case 4:
                return rng.randint(-(1 << 64), 1 << 64)
            case 5 | 6:
                return rng.randint(-100, 100)
        return rng.choice(SMALL)

    def _remember(self, sort: str, value: Term) -> None:
        self._pool.setdefault(sort, []).append(value)

    def _value(self, sort: str, depth: int) -> Term:
        rng = self._rng
        pooled = self._pool.get(sort)
        if pooled and rng.random() < 0.4:
            return rng.choice(pooled)
        if sort in self._definition.collections:
            return self._collection(sort, depth)
        if sort == INT:
            return integer(self._integer())
        if sort == BOOL:
            return boolean(rng.random() < 0.5)
        if sort in (STRING, BYTES):
            texts = [*TEXTS[: None if sort == STRING else 6], *self._literals.get(sort, ())]
            return DV(sort, rng.choice(texts))
        if sort == K:
            if depth <= 1 or rng.random() < 0.6:
                return App(DOTK, (), ())
            return App(KSEQ, (), (self._value(KITEM, depth - 1), self._value(K, depth - 1)))
        return self._made(sort, depth)

    def _made(self, sort: str, depth: int) -> Term:
        """A value of a sort of the definition's own."""
        rng = self._rng
        ways: list[tuple[int, str | Symbol]] = [
            (self._heights[lesser], lesser) for lesser in self._below(sort) if lesser in self._heights
        ]
        ways += [
            (height, symbol)
            for symbol in self._definition.constructors.get(sort, ())
            if self._is_plain(symbol) and (height := self._height_of(symbol)) is not None
        ]
        if sort in self._definition.tokens:
            ways.append((0, ''))
        if not ways:
            raise NoSuchValue(f'no value of sort {sort} can be made')
        least = min(height for height, _ in ways)
        fitting = [way for height, way in ways if height <= max(depth - 1, least)]
        way = rng.choice(fitting)
        if way == '':
            return DV(sort, rng.choice(self._literals.get(sort) or ['x', 'y']))
        if isinstance(way, str):
            return self._evaluator.apply('inj', (way, sort), (self._value(way, depth),))
        args = tuple(self._value(arg, depth - 1) for arg in way.sorts)
        self._evaluator.fuel = FUEL
        return self._evaluator.apply(way.name, (), args)

    def _below(self, sort: str) -> list[str]:
        names = self._definition.subsorts.get(sort, [])
        if sort == KITEM:
            plain = [name for name in names if not name.startswith(_NO_SORT) and 'Cell' not in name]
            return plain or list(names)
        return [name for name in names if not name.startswith(_NO_SORT)]

    def _is_plain(self, symbol: Symbol) -> bool:
        """Whether a constructor is one that a program's text may have, or one of the configuration."""
        return symbol.sort != KITEM or not symbol.name.startswith(_GENERATED)

    def _collection(self, sort: str, depth: int) -> Term:
        collection = self._definition.collections[sort]
        element = self._definition.symbols[collection.element]
        size = 0 if depth <= 0 else self._rng.choice((0, 1, 1, 2, 2, 3))
        rows = []
        for _ in range(size):
            rows.append(tuple(self._item(arg, depth - 1) for arg in element.sorts))
        if collection.kind == 'list':
            return ListValue(sort, (row[0] for row in rows))
        if collection.kind == 'set':
            return SetValue(sort, (row[0] for row in rows))
        return MapValue(sort, {row[0]: row[1] for row in rows})

    def _item(self, sort: str, depth: int) -> Term:
        """An item of a collection: often something that is there already, injected."""
        rng = self._rng
        if sort == KITEM and self._pool and rng.random() < 0.6:
            known = [
                (lesser, value)
                for lesser, values in sorted(self._pool.items())
                if self._definition.is_subsort(lesser, KITEM)
                for value in values
            ]
            if known:
                lesser, value = rng.choice(known)
                return self._evaluator.apply('inj', (lesser, KITEM), (value,))
        if sort == KITEM and rng.random() < 0.7 and self._definition.is_subsort(INT, KITEM):
            return self._evaluator.apply('inj', (INT, KITEM), (integer(self._integer()),))
        return self._value(sort, depth)

    def _height_of(self, symbol: Symbol) -> int | None:
        heights = [self._heights.get(sort) for sort in symbol.sorts]
        if any(height is None for height in heights):
            return None
        return 1 + max((height for height in heights if height is not None), default=0)

    def _sizes(self) -> None:
        """The height of the least value of each sort."""
        definition = self._definition
        for sort in (INT, BOOL, STRING, BYTES, K, *definition.tokens, *definition.collections):
            self._heights[sort] = 0
        changed = True
        while changed:
            changed = False
            for sort in definition.sorts:
                heights = [
                    height
                    for symbol in definition.constructors.get(sort, ())
                    if self._is_plain(symbol) and (height := self._height_of(symbol)) is not None
                ]
                heights += [self._heights[lesser] for lesser in self._below(sort) if lesser in self._heights]
                if heights and min(heights) < self._heights.get(sort, 1 << 30):
                    self._heights[sort] = min(heights)
                    changed = True


__all__ = ['Generator', 'NoSuchValue', 'NoValue']
