"""From the declarations of a language to a complete definition: what ``kompile`` adds on its own.

A :class:`Configuration` knows the cells of a language and builds states, rules and claims over them.  :func:`kompile`
takes the modules of a language and appends one module of generated sentences: heating and cooling rules with their
freezers for every ``strict`` or ``seqstrict`` production, ``KItem`` injections, sort predicates, projections and cell
initialisers.  Everything is a pure function of its arguments, in a fixed order, so that a build is reproducible.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kast.att import Atts, KAtt
from pyk.kast.inner import KApply, KRewrite, KSequence, KSort, KToken, KVariable
from pyk.kast.manip import push_down_rewrites
from pyk.kast.outer import KClaim, KDefinition, KProduction, KRule, KSyntaxSort
from pyk.kast.prelude.kbool import BOOL, FALSE, TRUE, andBool, notBool
from pyk.kast.prelude.kint import INT
from pyk.kast.prelude.utils import token

from . import prelude
from .prelude import CONFIG_VAR, K_ITEM, MAP, PRESERVES_DEFINEDNESS, K, equation, function, module, production, subsort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    from pyk.kast.att import AttEntry
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KFlatModule, KSentence

    Content = KInner | tuple[KInner, KInner]
    """What a rule says about a cell: the same on both sides, or a pair of left and right."""

K_RESULT: Final = KSort('KResult')
REST: Final = KVariable('REST', K)
"""What follows the first item of the ``<k>`` cell in a rule."""


@dataclass(frozen=True)
class Cell:
    """A cell that holds a term: its name, the sort of its content, and the content at the start of a program.

    ``initial`` is ``None`` for the cell that holds the program itself.
    """

    name: str
    content: KSort
    initial: KInner | None

    @property
    def sort(self) -> KSort:
        """The sort of the cell as a whole."""
        return cell_sort(self.name)


def cell_sort(name: str) -> KSort:
    """Return the sort of the cell ``<name>``."""
    return KSort(name[0].upper() + name[1:] + 'Cell')


COUNTER: Final = Cell('generatedCounter', INT, token(0))


@dataclass(frozen=True)
class Configuration:
    """The configuration ``<generatedTop> <NAME> CELLS </NAME> <generatedCounter/> </generatedTop>``."""

    name: str
    program: KSort
    cells: tuple[Cell, ...]

    def state(self, contents: Mapping[str, KInner]) -> KInner:
        """Return the state with the given content in each cell; a whole-cell variable stands for a cell not named.

        Raises:
            ValueError: a name is not one of a cell of this configuration.
        """
        unknown = sorted(set(contents) - {cell.name for cell in (*self.cells, COUNTER)})
        if unknown:
            raise ValueError(f'Configuration <{self.name}>: expected names of its cells, found {", ".join(unknown)}')

        def fill(cell: Cell) -> KInner:
            if cell.name in contents:
                return KApply(f'<{cell.name}>', contents[cell.name])
            return KVariable(f'{cell.name.upper()}_CELL', cell.sort)

        inner = KApply(f'<{self.name}>', *(fill(cell) for cell in self.cells))
        return KApply('<generatedTop>', inner, fill(COUNTER))

    def _body(self, contents: Mapping[str, Content]) -> KInner:
        left = {name: c[0] if isinstance(c, tuple) else c for name, c in contents.items()}
        right = {name: c[1] if isinstance(c, tuple) else c for name, c in contents.items()}
        return push_down_rewrites(KRewrite(self.state(left), self.state(right)))

    def rule(
        self,
        label: str,
        contents: Mapping[str, Content],
        *,
        requires: KInner = TRUE,
        ensures: KInner = TRUE,
        defined: bool = False,
    ) -> KRule:
        """Return a rewrite rule; cells that are not named stay as they are.

        The content of ``<k>`` is the whole of it: a rule for its first item ends it with :data:`REST`.  ``defined``
        says that ``requires`` makes the right-hand side, which has a partial function, defined.
        """
        entries: list[AttEntry[Any]] = [Atts.LABEL(label)]
        if defined:
            entries.append(PRESERVES_DEFINEDNESS(''))
        return KRule(self._body(contents), requires=requires, ensures=ensures, att=KAtt(entries))

    def step(
        self,
        label: str,
        left: KInner,
        right: KInner,
        requires: KInner = TRUE,
        *,
        defined: bool = False,
        **contents: Content,
    ) -> KRule:
        """Return a rule that rewrites the first item of ``<k>``, and the other cells as :meth:`rule` does."""
        k = (KSequence(left, REST), KSequence(right, REST))
        return self.rule(label, {'k': k, **contents}, requires=requires, defined=defined)

    def claim(
        self,
        label: str,
        contents: Mapping[str, Content],
        *,
        requires: KInner = TRUE,
        ensures: KInner = TRUE,
        att: Iterable[AttEntry[Any]] = (),
    ) -> KClaim:
        """Return a reachability claim named ``label`` (``MODULE.name``); every cell must be given.

        The counter of fresh names, which the examples do not use, is the same variable on both sides.

        Raises:
            ValueError: a cell has no content.
        """
        missing = [cell.name for cell in self.cells if cell.name not in contents]
        if missing:
            raise ValueError(f'Claim {label}: expected a content for every cell, found none for {", ".join(missing)}')
        counter: Mapping[str, Content] = {COUNTER.name: KVariable('COUNTER', INT)}
        body = self._body({**contents, **counter})
        identity = unique_id(label, body, requires, ensures)
        entries = [Atts.LABEL(label), Atts.UNIQUE_ID(identity), *att]
        return KClaim(body, requires=requires, ensures=ensures, att=KAtt(entries))

    def productions(self) -> list[KSentence]:
        """Return the productions of the cells and the functions that make the state at the start of a program."""
        main = cell_sort(self.name)
        start = KVariable('INIT', MAP)
        sentences: list[KSentence] = []

        def bracketed(name: str, *contents: KSort, att: Iterable[AttEntry[Any]] = ()) -> KProduction:
            entries: list[AttEntry[Any]] = [Atts.CELL(None), Atts.CELL_NAME(name), *att]
            inside = ''.join(f'%n%{i}' for i in range(2, len(contents) + 2))
            shape = f'%1%i{inside}%d%n%{len(contents) + 2}'
            return production(
                cell_sort(name), f'<{name}>', f'<{name}>', *contents, f'</{name}>', att=entries, shape=shape
            )

        def initialiser(name: str, parts: Iterable[KInner]) -> None:
            sort, label = cell_sort(name), f'init{cell_sort(name).name}'
            entries = [Atts.INITIALIZER(None)]
            sentences.append(function(sort, label, label, '(', MAP, ')', total=False, att=entries))
            left, right = KApply(label, start), KApply(f'<{name}>', *parts)
            sentences.append(KRule(KRewrite(left, right), att=KAtt(entries)))

        given = KApply('Map:lookup', start, KToken('$PGM', CONFIG_VAR))
        program = KApply(f'project:{self.program.name}', given)
        for cell in (*self.cells, COUNTER):
            entries = [Atts.MAINCELL(None)] if cell.name == 'k' else []
            sentences.append(bracketed(cell.name, cell.content, att=entries))
            content = program if cell.initial is None else cell.initial
            initialiser(cell.name, [KSequence(content) if cell.content == K else content])
        sentences.append(bracketed(self.name, *(cell.sort for cell in self.cells)))
        initialiser(self.name, [KApply(f'init{cell.sort.name}', start) for cell in self.cells])
        sentences.append(bracketed('generatedTop', main, COUNTER.sort))
        initialiser('generatedTop', [KApply(f'init{main.name}', start), KApply(f'init{COUNTER.sort.name}', start)])
        return sentences


def unique_id(*parts: object) -> str:
    """Return 64 hexadecimal digits that depend on the content of the given terms and strings only."""

    def plain(part: object) -> object:
        return part.to_dict() if hasattr(part, 'to_dict') else str(part)

    text = json.dumps([plain(part) for part in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


# -- strictness ------------------------------------------------------------------------------------------


def strict(*positions: int) -> AttEntry[Any]:
    """Return the attribute that evaluates the given arguments (1 is the first) in any order; all if none is given."""
    return Atts.STRICT(','.join(map(str, positions)))


def seqstrict() -> AttEntry[Any]:
    """Return the attribute that evaluates all arguments from left to right."""
    return Atts.SEQSTRICT('')


def _evaluated(prod: KProduction) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each evaluated position of ``prod`` (0 is the first) with those that must be results before it."""
    everything = tuple(range(len(prod.argument_sorts)))
    if Atts.SEQSTRICT in prod.att:
        for position in everything:
            yield position, everything[:position]
    elif Atts.STRICT in prod.att:
        chosen = prod.att[Atts.STRICT]
        for position in tuple(int(p) - 1 for p in chosen.split(',')) if chosen else everything:
            yield position, ()


def is_result(term: KInner) -> KInner:
    """Return the condition that ``term`` needs no further evaluation."""
    return KApply(f'is{K_RESULT.name}', KSequence(term))


def strictness(prod: KProduction, configuration: Configuration) -> Iterator[KSentence]:
    """Yield the freezers of a strict production and the rules that heat and cool its evaluated arguments."""
    assert prod.klabel is not None
    name = prod.klabel.name
    sorts = prod.argument_sorts
    arguments = [KVariable(f'ARG{i + 1}', sort) for i, sort in enumerate(sorts)]
    for position, before in _evaluated(prod):
        freezer = f'freeze{position + 1}:{name}'
        held = [a for i, a in enumerate(arguments) if i != position]
        yield _freezer(prod, position, freezer)
        hole = arguments[position]
        whole = KApply(name, *arguments)
        frozen = KApply(freezer, *held)
        ready = [is_result(arguments[i]) for i in before]
        yield configuration.rule(
            f'{name}-heat-{position + 1}',
            {'k': (KSequence(whole, REST), KSequence(hole, frozen, REST))},
            requires=andBool([*ready, notBool(is_result(hole))]),
        )
        yield configuration.rule(
            f'{name}-cool-{position + 1}',
            {'k': (KSequence(hole, frozen, REST), KSequence(whole, REST))},
            requires=is_result(hole),
        )


def _freezer(prod: KProduction, position: int, label: str) -> KProduction:
    """Return the production with a hole in place of an argument: how the surroundings of the hole wait."""
    items: list[str | KSort] = []
    seen = 0
    for item in prod.items:
        text = getattr(item, 'value', None)
        if text is not None:
            items.append(text)
            continue
        items.append('HOLE' if seen == position else prod.argument_sorts[seen])
        seen += 1
    return production(K_ITEM, label, *items)


# -- the whole -------------------------------------------------------------------------------------------


def _sorts(modules: Iterable[KFlatModule]) -> list[KSort]:
    """Return the sorts of terms that are declared in ``modules``, in order of first appearance."""
    seen: dict[KSort, None] = {}
    for mod in modules:
        for sentence in mod.sentences:
            if isinstance(sentence, KSyntaxSort) or (
                isinstance(sentence, KProduction) and sentence.sort not in sentence.params
            ):
                seen.setdefault(sentence.sort)
    return [sort for sort in seen if sort not in (K, K_ITEM)]


def _about(sort: KSort) -> Iterator[KSentence]:
    """Yield the injection of ``sort`` into ``KItem``, its predicate and its projection."""
    name = sort.name
    value, anything = KVariable('VALUE', sort), KVariable('OTHER', K)
    yield subsort(K_ITEM, sort)
    yield function(BOOL, f'is{name}', f'is{name}', '(', K, ')', att=[Atts.PREDICATE(sort.to_dict())])
    yield equation(KApply(f'is{name}', KSequence(value)), TRUE)
    yield equation(KApply(f'is{name}', anything), FALSE, owise=True)
    yield function(sort, f'project:{name}', f'project:{name}', '(', K, ')', total=False, att=[Atts.PROJECTION(None)])
    left = KApply(f'project:{name}', KSequence(value))
    yield KRule(KRewrite(left, value), att=KAtt([Atts.PROJECTION(None)]))


def kompile(name: str, language: Iterable[KFlatModule], configuration: Configuration) -> KDefinition:
    """Return the complete definition with main module ``name``.

    Args:
        name: The name of the main module, which must not be one of ``language``: it is made here, imports the last
            module of ``language`` and holds the generated sentences.
        language: The modules of the language, each after those that it imports; the builtin ones come before them.
        configuration: The cells of the language.
    """
    own = tuple(language)
    cells = module(f'{name}-CELLS', [mod.name for mod in prelude.modules()], configuration.productions())
    declared = (*prelude.modules(), cells, *own)
    generated: list[KSentence] = []
    for sort in _sorts(declared):
        generated += _about(sort)
    for mod in own:
        for sentence in mod.sentences:
            if isinstance(sentence, KProduction) and (Atts.STRICT in sentence.att or Atts.SEQSTRICT in sentence.att):
                generated += strictness(sentence, configuration)
    main = module(name, [own[-1].name, cells.name], generated)
    modules = tuple(_identified(mod, name) for mod in (*declared, main))
    return KDefinition(name, modules, att=KAtt([Atts.SYNTAX_MODULE(name)]))


def _identified(mod: KFlatModule, main: str) -> KFlatModule:
    """Give every rule of ``mod`` a unique id, and its label the name of the main module in front."""
    sentences: list[KSentence] = []
    for number, sentence in enumerate(mod.sentences):
        if isinstance(sentence, KRule):
            identity = unique_id(mod.name, number, sentence)
            entries: list[AttEntry[Any]] = [Atts.UNIQUE_ID(identity)]
            if Atts.LABEL in sentence.att:
                entries.append(Atts.LABEL(f'{main}.{sentence.att[Atts.LABEL]}'))
            sentence = sentence.let(att=sentence.att.update(entries))
        sentences.append(sentence)
    return mod.let(sentences=sentences)
