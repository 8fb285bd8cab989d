"""From K terms to Kore in two walks, with the result of pyk's `kast_to_kore`.

pyk rewrites the whole term six times: sequences under K, sorts of variables, cell collections, sort parameters,
sequences to applications, injections. All but one are decisions about a node and its children, and are made here when
the node is built. The other is the sort of a variable, to which all its occurrences contribute; but where each
occurrence names one and the same sort that fits its place, as in whatever a server has returned, it has that sort,
and the pattern of a subterm does not depend on the term around it. Such patterns are remembered by subterm.

A walk has its own stack, so depth is no matter. What is not certain raises `Unsupported`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.konvert._utils import munge
from pyk.kore.syntax import DV, App, EVar, String, SymbolId

from .signatures import Unsupported, sort_name
from .sorts import leading_quantifiers, least_sorts, own_sorts
from .tokens import bytes_value, string_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from pyk.kast.inner import KInner
    from pyk.kore.syntax import Pattern

    from .signatures import Declaration, Signature, Signatures

_INJ: Final = SymbolId('inj')
_KSEQ: Final = SymbolId('kseq')
_APPEND: Final = SymbolId('append')
_DOTK: Final = App('dotk')
_CACHED_TERMS: Final = 100_000
_CACHED_VARIABLES: Final = 20_000
_CACHED_CHARACTERS: Final = 16 << 20
_LEAF_CHARACTERS: Final = 400
"""What a remembered token costs besides its text."""


class Form(NamedTuple):
    """The pattern of a term.

    Attributes:
        term: The term; held so that its identity stays its own.
        pattern: The pattern, of this sort.
        sort: The name of the sort.
        ground: Whether the term has no variables.
    """

    term: KInner | None
    pattern: Pattern
    sort: str
    ground: bool


class ToKore:
    """Converts the terms of one definition. Patterns of subterms are remembered until `forget`.

    Attributes:
        forms: The patterns of subterms by identity; of those with variables, where these have their own sorts.
    """

    forms: dict[int, Form]

    def __init__(self, signatures: Signatures):
        self._signatures = signatures
        self.forms = {}
        self._roots: dict[tuple[int, str], tuple[KInner, Pattern]] = {}
        self._tokens: dict[tuple[str, str], Form] = {}
        self._characters = 0
        self._variables: dict[tuple[str, str], Form] = {}

    def convert(self, term: KInner, sort: str) -> Pattern:
        """The pattern of a term as a term of a sort. Raises `Unsupported`."""
        known = self._roots.get((id(term), sort))
        if known is not None:
            return known[1]
        if len(self.forms) > _CACHED_TERMS:
            self.forget()
        quantifiers, body = leading_quantifiers(term)
        own = own_sorts(self._signatures, body, quantifiers, self._is_ground)
        if own is None:
            form = self._build(term, least_sorts(self._signatures, body, quantifiers))
        else:
            form = self._build(body, None)
            for quantifier in reversed(quantifiers):
                binder = quantifier.args[0]
                assert type(binder) is KVariable
                form = self._quantified(quantifier, self._variable(binder, own), form)
        pattern = self._injected(form, sort)
        self._roots[id(term), sort] = (term, pattern)
        return pattern

    def forget(self) -> None:
        self.forms.clear()
        self._roots.clear()

    def _is_ground(self, term: KInner) -> bool:
        """Whether a term is known to have no variables."""
        form = self.forms.get(id(term))
        return form is not None and form.ground

    def _build(self, root: KInner, sorts: Mapping[str, str | None] | None) -> Form:
        """The pattern of a term, its variables having these sorts; their own if None."""
        forms, wrappers = self.forms, self._signatures.wrappers
        order: list[KInner | Form] = []
        stack = [root]
        while stack:
            term = stack.pop()
            if type(term) is KApply:
                if wrappers and term.label.name in wrappers:
                    term = self._unwrapped(term)
                form = forms.get(id(term))
                if form is not None and (form.ground or sorts is None):
                    order.append(form)
                    continue
                order.append(term)
                stack.extend(term.args)
            elif type(term) is KToken:
                order.append(self._token(term))
            elif type(term) is KVariable:
                order.append(self._variable(term, sorts))
            elif type(term) is KSequence:
                form = forms.get(id(term))
                if form is not None and (form.ground or sorts is None):
                    order.append(form)
                    continue
                order.append(term)
                stack.extend(term.items)
            else:
                raise Unsupported(f'a term of the kind {type(term).__name__}')
        done: list[Form] = []
        for entry in reversed(order):
            if type(entry) is Form:
                done.append(entry)
                continue
            if type(entry) is KApply:
                first = len(done) - len(entry.args)
                form = self._application(entry, done[first:])
            else:
                assert type(entry) is KSequence
                first = len(done) - len(entry.items)
                form = self._sequence(entry, done[first:])
            del done[first:]
            if form.ground or sorts is None:
                forms[id(entry)] = form
            done.append(form)
        (form,) = done
        return form

    def _application(self, term: KApply, parts: list[Form]) -> Form:
        label = term.label
        declared = self._signatures.declaration(label.name)
        if len(parts) != len(declared.arguments):
            raise Unsupported(f'{len(parts)} arguments of {label.name}')
        for place in declared.sequences:
            part = parts[place]
            if part.sort != 'K':
                self._check_sort_is_known(term.args[place])
                parts[place] = Form(None, self._cons(part, _DOTK), 'K', part.ground)
        if self._signatures.wrapped:
            self._wrap(term, declared, parts)
        signature = declared.signature
        if signature is None:
            if declared.quantifier:
                return self._quantified(term, parts[0], parts[1])
            signature = self._instance(term, declared, parts)
        elif label.params:
            raise Unsupported(f'sort parameters for {label.name}')
        ground = True
        arguments: list[Pattern] = []
        for part, sort in zip(parts, signature.arguments, strict=True):
            if part.sort == sort:
                arguments.append(part.pattern)
            else:
                arguments.append(App(_INJ, self._signatures.injection(part.sort, sort), (part.pattern,)))
            if not part.ground:
                ground = False
        return Form(term, signature.apply(arguments), signature.sort, ground)

    def _quantified(self, term: KApply, binder: Form, body: Form) -> Form:
        if not term.label.params:
            raise Unsupported(f'a quantifier without sort parameters: {term.label.name}')
        signature = self._signatures.resolve(term.label.name, tuple(map(sort_name, term.label.params)))
        pattern = signature.apply((binder.pattern, self._injected(body, signature.arguments[1])))
        return Form(term, pattern, signature.sort, False)

    def _instance(self, term: KApply, declared: Declaration, parts: list[Form]) -> Signature:
        """The signature of a label with sort parameters, which are given or follow from the arguments."""
        label = term.label
        if label.params:
            return self._signatures.resolve(label.name, tuple(map(sort_name, label.params)))
        given: dict[str, str] = {}
        for part, sort in zip(parts, declared.arguments, strict=True):
            if sort in declared.params and given.setdefault(sort, part.sort) != part.sort:
                raise Unsupported(f'different sorts for one parameter of {label.name}')
        if len(given) != len(declared.params):
            raise Unsupported(f'sort parameters of {label.name} that are no argument')
        return self._signatures.resolve(label.name, tuple(given[param] for param in declared.params))

    def _check_sort_is_known(self, argument: KInner) -> None:
        """pyk asks for the sort of an argument in the place of a sequence before it fills in sort parameters."""
        if type(argument) is not KApply or argument.label.params:
            return
        if self._signatures.declaration(argument.label.name).params:
            raise Unsupported(f'no sort parameters for {argument.label.name}, in the place of a sequence')

    def _sequence(self, term: KSequence, parts: list[Form]) -> Form:
        ground = all(part.ground for part in parts)
        if parts and parts[-1].sort == 'K':
            pattern = parts.pop().pattern
        else:
            pattern = _DOTK
        for part in reversed(parts):
            pattern = self._cons(part, pattern)
        return Form(term, pattern, 'K', ground)

    def _cons(self, item: Form, rest: Pattern) -> Pattern:
        if item.sort == 'K':
            return App(_APPEND, (), (item.pattern, rest))
        return App(_KSEQ, (), (self._injected(item, 'KItem'), rest))

    def _injected(self, form: Form, sort: str) -> Pattern:
        if form.sort == sort:
            return form.pattern
        return App(_INJ, self._signatures.injection(form.sort, sort), (form.pattern,))

    # -- cell collections

    def _unwrapped(self, term: KApply) -> KApply:
        """A cell without its element constructor; the term itself if it has none."""
        wrappers = self._signatures.wrappers
        if len(term.args) != 2 or type(inner := term.args[1]) is not KApply:
            return term
        if inner.label.name in wrappers:
            raise Unsupported(f'an element constructor in another: {term.label.name}')
        return inner if inner.label.name == wrappers[term.label.name] else term

    def _wrap(self, term: KApply, declared: Declaration, parts: list[Form]) -> None:
        """Put cells into their element constructors where their collection is expected."""
        wrapped = self._signatures.wrapped
        for place, part in enumerate(parts):
            cell = part.term
            if type(cell) is not KApply or (known := wrapped.get(cell.label.name)) is None:
                continue
            signature, collection = known
            if declared.arguments[place] != collection:
                continue
            pattern = part.pattern
            assert type(pattern) is App
            cell_signature = self._signatures.declaration(cell.label.name).signature
            if cell_signature is None or signature.arguments != (*cell_signature.arguments[:1], part.sort):
                raise Unsupported(f'an element constructor of other sorts than its cell: {signature.label}')
            element = signature.apply((pattern.args[0], pattern))
            parts[place] = Form(None, element, signature.sort, part.ground)

    # -- leaves

    def _token(self, term: KToken) -> Form:
        sort = sort_name(term.sort)
        key = (term.token, sort)
        known = self._tokens.get(key)
        if known is None:
            text = term.token
            if sort == 'String':
                text = string_value(term)
            elif sort == 'Bytes':
                text = bytes_value(term)
            known = Form(None, DV(self._signatures.sort(sort), String(text)), sort, True)
            self._characters += len(text) + _LEAF_CHARACTERS
            if self._characters > _CACHED_CHARACTERS:
                self._tokens.clear()
                self._characters = 0
            self._tokens[key] = known
        return known

    def _variable(self, term: KVariable, sorts: Mapping[str, str | None] | None) -> Form:
        if sorts is not None:
            sort = sorts[term.name]
        else:
            assert term.sort is not None
            sort = sort_name(term.sort)
        if sort is None:
            raise Unsupported(f'a variable without a sort: {term.name}')
        key = (term.name, sort)
        known = self._variables.get(key)
        if known is None:
            if len(self._variables) >= _CACHED_VARIABLES:
                self._variables.clear()
            pattern = EVar('Var' + munge(term.name), self._signatures.sort(sort))
            known = self._variables[key] = Form(None, pattern, sort, False)
        return known
