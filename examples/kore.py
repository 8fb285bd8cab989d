"""From a complete KAst definition to the text of ``definition.kore`` and the files of a kompiled folder.

pyk's ``module_to_kore`` makes the declarations and the axioms about constructors; this module adds what it leaves out:
the constant modules BASIC-K, KSEQ, INJ and K, and an axiom for every rule, in the shapes that the Haskell backend, the
booster and ``pyk.kore.rule`` accept.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING

from pyk.kast.att import Atts
from pyk.kast.inner import KApply, KSort, KVariable, top_down
from pyk.kast.manip import extract_lhs, extract_rhs, free_vars
from pyk.kast.outer import KRule
from pyk.kast.prelude.kbool import BOOL, TRUE
from pyk.konvert import kast_to_kore, module_to_kore, munge  # type: ignore[attr-defined]
from pyk.kore import rule as axioms
from pyk.kore.syntax import (
    AliasDecl,
    And,
    App,
    Axiom,
    Bottom,
    Ceil,
    Definition,
    Equals,
    EVar,
    Exists,
    Implies,
    Import,
    In,
    Module,
    Not,
    Or,
    SortApp,
    SortDecl,
    SortVar,
    String,
    SVar,
    Symbol,
    SymbolDecl,
    Top,
)

from .prelude import PRESERVES_DEFINEDNESS, RESULT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Final

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KDefinition
    from pyk.kore.syntax import Pattern, Sentence, Sort

GENERATED_TOP: Final = KSort('GeneratedTopCell')
_R: Final = SortVar('R')
_Q: Final = SortVar('Q0')


# -- the constant modules --------------------------------------------------------------------------------


def _constant_modules() -> tuple[Module, ...]:
    k, item = SortApp('SortK'), SortApp('SortKItem')
    free = [App(name) for name in ('constructor', 'functional', 'injective')]
    x0, x1, tail, rest = (EVar(name, k) for name in ('X0', 'X1', 'TAIL', 'KS'))
    head = EVar('K', item)

    def appends(first: Pattern, result: Pattern) -> Axiom:
        """The equation for a first argument of the form ``first``."""
        arguments = And(_R, (In(k, _R, x0, first), And(_R, (In(k, _R, x1, tail), Top(_R)))))
        conclusion = Equals(k, _R, App('append', (), (x0, x1)), And(k, (result, Top(k))))
        return Axiom((_R,), Implies(_R, And(_R, (Top(_R), arguments)), conclusion))

    source, middle, target = SortVar('S1'), SortVar('S2'), SortVar('S3')
    inner = EVar('T', source)
    twice = App('inj', (middle, target), (App('inj', (source, middle), (inner,)),))
    once = App('inj', (source, target), (inner,))
    modality, below = SortVar('A'), SortVar('A')
    operand = SVar('@X', below)

    basic = Module('BASIC-K', [SortDecl('SortK', ()), SortDecl('SortKItem', ())])
    sequence = Module(
        'KSEQ',
        [
            Import('BASIC-K'),
            SymbolDecl(Symbol('kseq'), (item, k), k, free),
            SymbolDecl(Symbol('dotk'), (), k, free),
            SymbolDecl(Symbol('append'), (k, k), k, [App('function'), App('functional')]),
            appends(App('dotk'), tail),
            appends(App('kseq', (), (head, rest)), App('kseq', (), (head, App('append', (), (rest, tail))))),
        ],
    )
    injections = Module(
        'INJ',
        [
            SymbolDecl(
                Symbol('inj', (SortVar('From'), SortVar('To'))),
                (SortVar('From'),),
                SortVar('To'),
                [App('sortInjection')],
            ),
            Axiom((source, middle, target, _R), Equals(target, _R, twice, once), [App('simplification')]),
        ],
    )
    modalities = [
        AliasDecl(Symbol(name, (modality,)), (modality,), modality, App(name, (modality,), (operand,)), operand)
        for name in ('weakExistsFinally', 'weakAlwaysFinally', 'allPathGlobally')
    ]
    return basic, sequence, injections, Module('K', [Import('KSEQ'), Import('INJ'), *modalities])


# -- rules -----------------------------------------------------------------------------------------------


class _Rules:
    """Makes axioms of the rules of one definition."""

    def __init__(self, definition: KDefinition) -> None:
        self._definition = definition
        self._by_function: dict[str, list[KRule]] = {}
        for rule in definition.rules:
            if Atts.SIMPLIFICATION not in rule.att and (name := self._function(rule)) is not None:
                self._by_function.setdefault(name, []).append(rule)

    def _function(self, rule: KRule) -> str | None:
        """Return the function that ``rule`` is an equation of; ``None`` for a rewrite rule."""
        match extract_lhs(rule.body):
            case KApply(label) if label.name in self._definition.function_labels:
                return label.name
        return None

    def axiom(self, rule: KRule) -> Axiom:
        """Return ``rule`` as an axiom with its attributes."""
        if Atts.SIMPLIFICATION in rule.att:
            made = self._simplification(rule)
        elif self._function(rule) is not None:
            made = self._equation(rule)
        else:
            made = self._rewrite(rule)
        return made.let(attrs=_attributes(rule))

    def _kore(self, term: KInner, sort: KSort) -> Pattern:
        return kast_to_kore(self._definition, term, sort)

    def _condition(self, term: KInner) -> Pattern | None:
        return None if term == TRUE else self._kore(term, BOOL)

    def _rewrite(self, rule: KRule) -> Axiom:
        left = self._kore(extract_lhs(rule.body), GENERATED_TOP)
        right = self._kore(extract_rhs(rule.body), GENERATED_TOP)
        assert isinstance(left, App) and isinstance(right, App)
        return axioms.RewriteRule(
            lhs=left,
            rhs=right,
            req=self._condition(rule.requires),
            ens=self._condition(rule.ensures),
            ctx=None,
            priority=50,
            uid=rule.att[Atts.UNIQUE_ID],
            label=None,
        ).to_axiom()

    def _equation(self, rule: KRule) -> Axiom:
        left = extract_lhs(rule.body)
        assert isinstance(left, KApply)
        sort, argument_sorts = self._definition.resolve_sorts(left.label)
        lhs = self._kore(left, sort)
        assert isinstance(lhs, App)
        return axioms.FunctionRule(
            lhs=lhs,
            rhs=self._kore(extract_rhs(rule.body), sort),
            req=self._condition(rule.requires),
            ens=self._condition(rule.ensures),
            sort=_kore_sort(sort),
            arg_sorts=tuple(_kore_sort(s) for s in argument_sorts),
            anti_left=self._others(left) if Atts.OWISE in rule.att else None,
            priority=50,
            uid=rule.att[Atts.UNIQUE_ID],
            label=None,
        ).to_axiom()

    def _others(self, left: KApply) -> Pattern:
        """Return the condition that an equation that is not ``owise`` applies, over the arguments X0, X1, ..."""
        cases: list[Pattern] = []
        for rule in self._by_function[left.label.name]:
            if Atts.OWISE in rule.att:
                continue
            pattern = _renamed(extract_lhs(rule.body))
            assert isinstance(pattern, KApply)
            sort, argument_sorts = self._definition.resolve_sorts(pattern.label)
            application = self._kore(pattern, sort)
            assert isinstance(application, App)
            condition: Pattern = Top(_R)
            if (requires := self._condition(_renamed(rule.requires))) is not None:
                condition = Equals(_kore_sort(BOOL), _R, requires, self._kore(TRUE, BOOL))
            matches: Pattern = Top(_R)
            for i, (s, argument) in reversed(list(enumerate(zip(argument_sorts, application.args, strict=True)))):
                matches = And(_R, (In(_kore_sort(s), _R, EVar(f'X{i}', _kore_sort(s)), argument), matches))
            case: Pattern = And(_R, (condition, matches))
            for variable in reversed(_element_variables(application)):
                case = Exists(_R, variable, case)
            cases.append(case)
        nothing: Pattern = Bottom(_R)
        return reduce(lambda rest, case: Or(_R, (case, rest)), reversed(cases), nothing)

    def _simplification(self, rule: KRule) -> Axiom:
        left, right = extract_lhs(rule.body), extract_rhs(rule.body)
        uid = rule.att[Atts.UNIQUE_ID]
        req, ens = self._condition(rule.requires), self._condition(rule.ensures)
        assert isinstance(left, KApply)
        if left.label.name in ('#Equals', '#Ceil'):
            convert = _set_variables if any(name.startswith('@') for name in free_vars(left)) else _unchanged
            lhs = convert(self._predicate(_plain(left)))
            rhs = convert(self._predicate(_plain(right)))
            if isinstance(lhs, Ceil):
                return axioms.CeilRule(lhs, rhs, req, ens, _Q, 50, uid, None).to_axiom()
            assert isinstance(lhs, Equals)
            return axioms.EqualsRule(lhs, rhs, req, ens, _Q, 50, uid, None).to_axiom()
        sort, _ = self._definition.resolve_sorts(left.label)
        application = self._kore(left, sort)
        assert isinstance(application, App)
        result = self._kore(right, sort)
        return axioms.AppRule(application, result, req, ens, _kore_sort(sort), 50, uid, None).to_axiom()

    def _predicate(self, term: KInner) -> Pattern:
        """Return a predicate whose own sort is the parameter Q0."""
        assert isinstance(term, KApply)
        sorts = [s for s in term.label.params if s != RESULT]
        match term.label.name:
            case '#And':
                return And(_Q, tuple(self._predicate(arg) for arg in term.args))
            case '#Not':
                return Not(_Q, self._predicate(term.args[0]))
            case '#Ceil':
                return Ceil(_kore_sort(sorts[0]), _Q, self._kore(term.args[0], sorts[0]))
            case '#Equals':
                left, right = (self._kore(arg, sorts[0]) for arg in term.args)
                return Equals(_kore_sort(sorts[0]), _Q, left, right)
        raise ValueError(
            f'Simplification of a predicate: expected #And, #Not, #Ceil or #Equals, found {term.label.name}'
        )


def _kore_sort(sort: KSort) -> Sort:
    return SortApp(f'Sort{sort.name}')


def _renamed(term: KInner) -> KInner:
    """Rename the variables of another equation apart from those of the ``owise`` equation."""
    return top_down(lambda t: t.let(name=f'OTHER_{t.name}') if isinstance(t, KVariable) else t, term)


def _plain(term: KInner) -> KInner:
    """Drop the ``@`` that marks set variables, which pyk's conversion does not know."""
    return top_down(lambda t: t.let(name=t.name.lstrip('@')) if isinstance(t, KVariable) else t, term)


def _unchanged(pattern: Pattern) -> Pattern:
    return pattern


def _set_variables(pattern: Pattern) -> Pattern:
    """Make set variables of all variables: predicates about definedness speak of undefined terms too."""
    return pattern.bottom_up(lambda p: SVar(f'@{p.name}', p.sort) if isinstance(p, EVar) else p)


def _element_variables(pattern: Pattern) -> list[EVar]:
    """Return the distinct variables of ``pattern`` from left to right."""
    found: dict[EVar, None] = {}
    pending = [pattern]
    while pending:
        current = pending.pop()
        if isinstance(current, EVar):
            found.setdefault(current)
        pending += reversed(current.patterns)
    return list(found)


def _attributes(rule: KRule) -> list[App]:
    """Return the attributes that backends read, by name."""
    att = rule.att
    sorts = {v.name: v.sort for v in _variables(rule.body)}

    def variables(names: str | None) -> tuple[Pattern, ...]:
        chosen = [name.strip() for name in names.split(',')] if names else []
        return tuple(EVar(f'Var{munge(name)}', _kore_sort(sorts[name] or KSort('K'))) for name in chosen)

    made = [App("UNIQUE'Unds'ID", (), (String(att[Atts.UNIQUE_ID]),))]
    for key in (Atts.LABEL, Atts.PRIORITY, Atts.SIMPLIFICATION):
        if key in att:
            made.append(App(key.name, (), (String(str(att[key])),)))
    for key in (Atts.OWISE, Atts.INITIALIZER, Atts.PROJECTION, PRESERVES_DEFINEDNESS):
        if key in att:
            made.append(App(key.name))
    for key in (Atts.CONCRETE, Atts.SYMBOLIC):
        if key in att:
            made.append(App(key.name, (), variables(att[key])))
    return sorted(made, key=lambda app: app.symbol)


def _variables(term: KInner) -> list[KVariable]:
    found: list[KVariable] = []
    pending: list[KInner] = [term]
    while pending:
        current = pending.pop()
        if isinstance(current, KVariable):
            found.append(current)
        pending += reversed(current.terms)
    return found


# -- files -----------------------------------------------------------------------------------------------


def definition_to_kore(definition: KDefinition) -> Definition:
    """Return the Kore definition of a complete KAst definition."""
    rules = _Rules(definition)
    main = module_to_kore(definition)
    sentences: list[Sentence] = [*main.sentences, *(rules.axiom(rule) for rule in definition.rules)]
    start = App('topCellInitializer', (), (App('LblinitGeneratedTopCell'),))
    return Definition([*_constant_modules(), main.let(sentences=sentences)], [start])


def kompiled_files(definition: KDefinition) -> dict[str, str]:
    """Return the text of each file of the kompiled folder of ``definition``, by file name."""
    kast = {'format': 'KAST', 'version': 4, 'term': definition.to_dict()}
    return {
        'backend.txt': 'haskell',
        'compiled.json': json.dumps(kast, indent=None, separators=(',', ':'), sort_keys=True) + '\n',
        'definition.kore': definition_to_kore(definition).text + '\n',
        'mainModule.txt': definition.main_module_name,
        'mainSyntaxModule.txt': definition.main_module_name,
    }


def write_files(folder: Path, files: dict[str, str], report: Callable[[Path], None] | None = None) -> None:
    """Write ``files`` into ``folder``, made if it is not there; files that are right already are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        target = folder / name
        if target.exists() and target.read_bytes() == text.encode():
            continue
        target.write_bytes(text.encode())
        if report is not None:
            report(target)
