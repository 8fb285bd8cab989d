"""The sorts of variables, to which all their occurrences contribute, as pyk's `KDefinition.sort_vars` finds them.

An occurrence names its own sort, if it has one, and the sort that its place expects; the variable has the least of
them. Where each occurrence has the same sort, and one that fits its place, nothing has to be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.konvert._kast_to_kore import ML_QUANT_LABELS

from .signatures import Unsupported, sort_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyk.kast.inner import KInner

    from .signatures import Signatures


def leading_quantifiers(root: KInner) -> tuple[list[KApply], KInner]:
    """The quantifiers at the top of a term, and the rest. Raises `Unsupported` if a variable is bound twice."""
    quantifiers: list[KApply] = []
    names: set[str] = set()
    while type(root) is KApply and root.label.name in ML_QUANT_LABELS and len(root.args) == 2:
        binder = root.args[0]
        if type(binder) is not KVariable or binder.name in names:
            raise Unsupported('a quantifier that binds no variable, or one that is bound already')
        names.add(binder.name)
        quantifiers.append(root)
        root = root.args[1]
    return quantifiers, root


def own_sorts(
    signatures: Signatures, root: KInner, quantifiers: Sequence[KApply], is_ground: Callable[[KInner], bool]
) -> Mapping[str, str | None] | None:
    """The sort of each variable if all its occurrences have the same and it fits their places; else None.

    Args:
        root: The term under the quantifiers at the top.
        quantifiers: These quantifiers.
        is_ground: Whether a subterm is known to have no variables; it is passed over.

    Raises:
        Unsupported: the term has labels without a declaration, or another number of arguments.
    """
    declaration, is_below = signatures.declaration, signatures.is_below
    binders = _binders(quantifiers)
    unsorted = {binder.name for binder in binders if binder.sort is None}
    own: dict[str, str | None] = {binder.name: sort_name(binder.sort) for binder in binders if binder.sort}
    stack = [root]
    while stack:
        term = stack.pop()
        if type(term) is KApply:
            if is_ground(term):
                continue
            declared = declaration(term.label.name)
            arguments = term.args
            if len(arguments) != len(declared.arguments):
                raise Unsupported(f'{len(arguments)} arguments of {term.label.name}')
            if declared.quantifier and (type(arguments[0]) is not KVariable or arguments[0].name in unsorted):
                return None
            for argument, context in zip(arguments, declared.contexts, strict=True):
                if type(argument) is KVariable:
                    if argument.sort is None:
                        return None
                    sort = argument.sort.name
                    if own.setdefault(argument.name, sort) != sort or not (
                        context is None or context == sort or context == 'K' or is_below(sort, context)
                    ):
                        return None
                elif type(argument) is not KToken:
                    stack.append(argument)
        elif type(term) is KSequence:
            stack.extend(term.items)
        elif type(term) is KVariable:
            if term.sort is None or own.setdefault(term.name, term.sort.name) != term.sort.name:
                return None
        elif type(term) is not KToken:
            raise Unsupported(f'a term of the kind {type(term).__name__}')
    for name in unsorted:
        own.setdefault(name, None)
    return own


def least_sorts(signatures: Signatures, root: KInner, quantifiers: Sequence[KApply]) -> Mapping[str, str | None]:
    """The sort of each variable: the least of those that its occurrences name, taken in pyk's order.

    Args:
        root: The term under the quantifiers at the top.
        quantifiers: These quantifiers.

    Raises:
        Unsupported: there is no least sort, or a quantifier further down.
    """
    declaration = signatures.declaration
    named: dict[str, dict[str, None]] = {}
    own_k: set[str] = set()
    order: list[KInner] = []
    stack = [root]
    while stack:
        term = stack.pop()
        order.append(term)
        if type(term) is KApply:
            declared = declaration(term.label.name)
            if declared.quantifier:
                raise Unsupported('a quantifier inside a term whose variables have several sorts')
            if len(term.args) != len(declared.arguments):
                raise Unsupported(f'{len(term.args)} arguments of {term.label.name}')
            stack.extend(term.args)
        elif type(term) is KSequence:
            stack.extend(term.items)
    for binder in _binders(quantifiers):
        sorts = named.setdefault(binder.name, {})
        if binder.sort is not None:
            sorts[sort_name(binder.sort)] = None
    for term in reversed(order):
        if type(term) is KVariable:
            sorts = named.setdefault(term.name, {})
            if term.sort is not None:
                sorts[sort_name(term.sort)] = None
                if term.sort.name == 'K':
                    own_k.add(term.name)
        elif type(term) is KApply:
            for argument, context in zip(term.args, declaration(term.label.name).contexts, strict=True):
                if type(argument) is not KVariable or context is None:
                    continue
                if context != 'K' or argument.sort is None or argument.sort.name == 'K':
                    named[argument.name][context] = None
        elif type(term) is KSequence:
            for place, item in enumerate(term.items):
                if type(item) is KVariable and item.sort is None:
                    last = place == len(term.items) - 1
                    named[item.name]['K' if last else 'KItem'] = None
    found = {name: _least(signatures, sorts) for name, sorts in named.items()}
    if any(found[name] != 'K' for name in own_k):
        raise Unsupported('a variable of sort K that has another sort elsewhere')
    return found


def _least(signatures: Signatures, sorts: Mapping[str, None]) -> str | None:
    least: str | None = None
    for sort in sorts:
        if least is None or signatures.is_below(sort, least):
            least = sort
        elif not signatures.is_below(least, sort):
            raise Unsupported(f'a variable of the sorts {least} and {sort}')
    return least


def _binders(quantifiers: Sequence[KApply]) -> list[KVariable]:
    return [binder for quantifier in quantifiers if isinstance(binder := quantifier.args[0], KVariable)]
