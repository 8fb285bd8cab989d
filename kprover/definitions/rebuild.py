"""compiled.json from definition.kore: what pyk needs of it to prove.

A Kore definition declares what K's productions mean, not how they are written. So this makes

* a production of every symbol, with its sorts and attributes;
* a subsort production of every subsort axiom, and `KItem < K`;
* the productions of matching logic, which Kore has built in;
* a rule for every axiom that has a unique id, which names what servers report. Its body is only what a rewrite
  rule finds in the `<k>` cell, by which `kprover.proofs.semantics` knows where nothing is left to execute.

How a term is written is taken from `format` attributes (kompile wrote them until 2025), else guessed from the
symbol's name: `_+Int_`, `<k>`. Claims are not parsed with it, so a wrong guess is an ugly text and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyk.kast.att import AnyType, AttKey, Atts, KAtt, NoneType
from pyk.kast.inner import KApply, KLabel, KSort
from pyk.kast.outer import KDefinition, KFlatModule, KNonTerminal, KProduction, KRule, KSyntaxSort, KTerminal
from pyk.konvert._kore_to_kast import _kore_to_kast
from pyk.konvert._utils import unmunge
from pyk.kore.parser import KoreParser
from pyk.kore.syntax import And, App, Axiom, Import, Rewrites, SortApp, SortDecl, String, SymbolDecl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    from pyk.kast.att import AttEntry
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KProductionItem, KSentence
    from pyk.kore.syntax import Definition, Module, Pattern, Sort

REBUILT: Final = AttKey('rebuilt', type=NoneType())
"""An attribute of a definition that was made here."""

_CELL: Final = "Lbl'-LT-'"
_CONTROL: Final = "Lbl'-LT-'k'-GT-'"

_K: Final = KSort('K')
_K_ITEM: Final = KSort('KItem')

_LEFT_OUT: Final = frozenset(
    {
        'format',
        'terminals',
        'functional',  # in Kore constructors are, too; K says `total` of a function
        'colors',
        'color',
        'left',
        'right',
        'priorities',
        'latex',
        'bracket',
        'bracketLabel',
        'org.kframework.definition.Production',
        'syntaxModule',
    }
)
"""Attributes that a rebuilt production does not have: of concrete syntax, or with another meaning in Kore."""

_ESCAPE: Final = re.compile(r'%c(?P<terminal>.*?)%r|%(?P<argument>[0-9]+)|%[a-zA-Z]|\s+', re.DOTALL)
_GENERATED_SUFFIX: Final = r'_[A-Z][A-Z0-9-]*(?:{signature})$'


def rebuild(text: str, main_module: str | None = None) -> KDefinition:
    """The definition in a text of Kore.

    Args:
        text: The content of definition.kore.
        main_module: The name of its main module, by default the last one.

    Raises:
        ValueError: the text is no definition, or has no such module. pyk's parser raises others too.
    """
    kore = KoreParser(text).definition()
    if not kore.modules:
        raise ValueError('the definition has no module')
    names = [module.name for module in kore.modules]
    main = main_module or names[-1]
    if main not in names:
        raise ValueError(f'there is no module {main}, the modules are {", ".join(names)}')
    flat = KFlatModule(main, _with_collections([*_logic(), *_sentences(kore, main)]))
    return KDefinition(main, [flat], att=KAtt([Atts.SYNTAX_MODULE(main), REBUILT(None)]))


def _sentences(kore: Definition, main: str) -> Iterator[KSentence]:
    """The sentences of the main module and of all that it imports."""
    modules = {module.name: module for module in kore.modules}
    for module in _imported(modules, main):
        for sentence in module.sentences:
            if isinstance(sentence, SortDecl):
                yield KSyntaxSort(_sort(SortApp(sentence.name, sentence.vars)), att=_attributes(sentence.attrs))
            elif isinstance(sentence, SymbolDecl):
                if sentence.symbol.name.startswith('Lbl'):
                    yield _production(sentence)
            elif isinstance(sentence, Axiom):
                yield from _axiom(sentence)


def _imported(modules: Mapping[str, Module], main: str) -> Iterator[Module]:
    pending, seen = [main], set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in modules:
            raise ValueError(f'a module {name} is imported, but not there')
        yield modules[name]
        pending += [sentence.module_name for sentence in modules[name].sentences if isinstance(sentence, Import)]


def _axiom(axiom: Axiom) -> Iterator[KSentence]:
    for attribute in axiom.attrs:
        if attribute.symbol == 'subsort':
            lower, upper = attribute.sorts
            yield KProduction(_sort(upper), [KNonTerminal(_sort(lower))])
        elif attribute.symbol == "UNIQUE'Unds'ID":
            pattern = axiom.pattern
            body = _control(pattern.left) if isinstance(pattern, Rewrites) else KApply(KLabel('#Top', _K))
            yield KRule(body, att=_attributes(axiom.attrs))


def _control(left: Pattern) -> KInner:
    """A configuration of nothing but what a rewrite rule finds in the `<k>` cell; empty if it does not look there."""
    pending = [left]
    while pending:
        pattern = pending.pop()
        if isinstance(pattern, App) and pattern.symbol == _CONTROL:
            try:
                return KApply('<generatedTop>', KApply('<k>', _kore_to_kast(pattern.args[0])))
            except (ValueError, AssertionError):
                break  # a pattern that is no term for pyk
        if isinstance(pattern, And):
            pending += pattern.ops
        elif isinstance(pattern, App) and pattern.symbol.startswith(_CELL):
            pending += pattern.args
    return KApply('<generatedTop>')


def _production(symbol: SymbolDecl) -> KProduction:
    label = unmunge(symbol.symbol.name[3:])
    sort, arguments = _sort(symbol.sort), [_sort(argument) for argument in symbol.param_sorts]
    items = _written(symbol.attrs, arguments) or _guessed(label, sort, arguments)
    parameters = [_sort(variable) for variable in symbol.symbol.vars]
    return KProduction(sort, items, parameters, KLabel(label, parameters), att=_attributes(symbol.attrs))


def _sort(sort: Sort) -> KSort:
    parameters = sort.sorts if isinstance(sort, SortApp) else ()
    return KSort(sort.name.removeprefix('Sort'), [_sort(parameter) for parameter in parameters])


def _with_collections(sentences: list[KSentence]) -> list[KSentence]:
    """Say of the concatenation of a collection what kompile may have left out: that it is one, and of which cells.

    The element of a map of cells takes the cell that is the key, then a whole cell; pyk unwraps the one and wraps the
    other.
    """
    productions = {p.klabel.name: p for p in sentences if isinstance(p, KProduction) and p.klabel}
    cells = {production.sort: label for label, production in productions.items() if Atts.CELL in production.att}

    def completed(sentence: KSentence) -> KSentence:
        hook = sentence.att.get(Atts.HOOK)
        if not isinstance(sentence, KProduction) or hook not in ('MAP.concat', 'SET.concat', 'LIST.concat'):
            return sentence
        entries: list[AttEntry[None] | AttEntry[str]] = [Atts.ASSOC(None)]
        if hook != 'LIST.concat':
            entries.append(Atts.COMM(None))
        element = productions.get(sentence.att.get(Atts.ELEMENT, ''))
        if hook == 'MAP.concat' and element is not None and element.argument_sorts[-1] in cells:
            entries += [Atts.CELL_COLLECTION(None), Atts.WRAP_ELEMENT(cells[element.argument_sorts[-1]])]
        return sentence.let_att(sentence.att.update(entries))

    return [completed(sentence) for sentence in sentences]


# -- attributes ----------------------------------------------------------------------------------------------


def _attributes(attributes: Iterable[App]) -> KAtt:
    known = Atts.keys()
    entries = []
    for attribute in attributes:
        name = unmunge(attribute.symbol.removesuffix("'Kywd'")) if "'" in attribute.symbol else attribute.symbol
        if name in _LEFT_OUT:
            continue
        key = known.get(name, AttKey(name, type=AnyType()))
        try:
            entries.append(key(key.type.from_dict(_value(name, attribute.args))))
        except (AssertionError, ValueError, TypeError):
            continue  # an attribute whose value means something else in Kore
    return KAtt(entries)


def _value(name: str, arguments: tuple[Pattern, ...]) -> Any:
    """The value of an attribute as compiled.json has it."""
    if len(arguments) != 1:
        return ''
    (argument,) = arguments
    if isinstance(argument, App):
        return unmunge(argument.symbol.removeprefix('Lbl'))
    if not isinstance(argument, String):
        return ''
    inner = re.fullmatch(r'(?:Location|Source)\((.*)\)', argument.value, re.DOTALL)
    if inner is None:
        return argument.value
    if name == Atts.LOCATION.name:
        return [int(number) for number in inner[1].split(',')]
    return inner[1]


# -- how terms are written -----------------------------------------------------------------------------------


def _written(attributes: Iterable[App], arguments: list[KSort]) -> list[KProductionItem] | None:
    """The items that a `format` attribute tells, if it tells all of them in their order."""
    values = {attribute.symbol: attribute.args for attribute in attributes}
    (format_,) = values.get('format') or (None,)
    if not isinstance(format_, String):
        return None
    items: list[KProductionItem] = []
    numbers: list[int] = []
    position = 0
    for found in _ESCAPE.finditer(format_.value):
        if found.start() != position:
            return None
        position = found.end()
        if found['terminal'] is not None:
            items.append(KTerminal(found['terminal'].strip()))
        elif found['argument'] is not None:
            numbers.append(int(found['argument']))
            if numbers[-1] > len(arguments):
                return None
            items.append(KNonTerminal(arguments[numbers[-1] - 1]))
    return items if position == len(format_.value) and numbers == list(range(1, len(arguments) + 1)) else None


def _guessed(label: str, sort: KSort, arguments: list[KSort]) -> list[KProductionItem]:
    """Items from a symbol's name: a cell, a name with a `_` for each argument, or else a name before parentheses."""
    if label.startswith('<') and label.endswith('>'):
        parts: list[str | None] = [label, *[None] * len(arguments), f'</{label[1:]}']
    else:
        signature = ''.join(f'_{re.escape(other.name)}' for other in (sort, *arguments))
        short = re.sub(_GENERATED_SUFFIX.format(signature=signature), '', label)
        pieces = short.split('_')
        mixfix = short != label or label.startswith('_') or label.endswith('_') or '(_' in label
        if mixfix and arguments and len(pieces) == len(arguments) + 1:
            parts = [pieces[0]]
            for piece in pieces[1:]:
                parts += [None, piece]
        else:
            inside = [part for _ in arguments for part in (',', None)][1:]
            parts = [short, *(['('] if arguments else []), *inside, *([')'] if arguments else [])]
    sorts = iter(arguments)
    return [KNonTerminal(next(sorts)) if part is None else KTerminal(part) for part in parts if part != '']


def _logic() -> Iterator[KSentence]:
    """The productions of matching logic, as the module ML-SYNTAX of K declares them, and `KItem < K`."""
    own, one, two = KSort('Sort'), KSort('Sort1'), KSort('Sort2')
    for name, sort, arguments, parameters in (
        ('#Top', own, [], [own]),
        ('#Bottom', own, [], [own]),
        ('#Not', own, [own], [own]),
        ('#And', own, [own, own], [own]),
        ('#Or', own, [own, own], [own]),
        ('#Implies', own, [own, own], [own]),
        ('#Ceil', two, [one], [one, two]),
        ('#Floor', two, [one], [one, two]),
        ('#Equals', two, [one, one], [one, two]),
        ('#Exists', two, [one, two], [one, two]),
        ('#Forall', two, [one, two], [one, two]),
    ):
        written = f'_{name}_' if len(arguments) == 2 else name
        items = _guessed(written, sort, list(arguments))
        yield KProduction(sort, items, parameters, KLabel(name, parameters))
    yield KProduction(_K, [KNonTerminal(_K_ITEM)])
