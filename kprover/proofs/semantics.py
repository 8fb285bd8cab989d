"""The semantics class of a claim as the provers see it: guarded, and with an eye on proofs that would never end.

A class of the user's is foreign code. What it raises, and what it returns that pyk cannot use, is reported with its
name and the name of its method; it ends the step, not the worker.

A wrong claim over an open `...` comes to states whose `<k>` cell is just the variable for what the claim left open.
A Kore server then tries all that this variable may stand for, which is dozens of states, each of which ends in the
same way: such a proof never ends by itself. A state like that which is not subsumed is therefore stuck, before any
server is asked to execute it, if no rule of the definition can apply without a look at the head of the `<k>` cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pyk.cterm.cterm import CTerm
from pyk.cterm.symbolic import CTermSMTError
from pyk.kast.inner import KApply, KRewrite, KSequence, KSort, KVariable
from pyk.kast.manip import extract_lhs
from pyk.kcfg.kcfg import KCFGExtendResult, Stuck
from pyk.kcfg.semantics import DefaultSemantics, KCFGSemantics
from pyk.kore.rpc import KoreClientError

from ..plugins import Reference
from ..plugins.running import Plugin, Unkeyed, make
from .errors import InputError, StepError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from pyk.cterm.symbolic import CTermSymbolic
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KDefinition

T = TypeVar('T')

OPEN_END: Final = 'open-end'
"""Why a node is stuck at which nothing is left to execute but the unknown rest of its `<k>` cell."""

_STATE: Final = '<generatedTop>'
_CELL: Final = '<k>'
_UNKNOWN: Final = KSort('K')


class SemanticsError(StepError):
    """A method of a semantics class raised something, or returned what pyk cannot use."""


class GuardedSemantics(KCFGSemantics):
    """A semantics class with a check of what it returns, which adds the recognition of open ends to it.

    A class has the last word on open ends: it may make such a state terminal, abstract it or take a custom step from
    it, or it may have a method `is_open_end(CTerm) -> bool` of its own.
    """

    def __init__(
        self,
        inner: KCFGSemantics,
        name: str,
        open_ends: Callable[[], bool],
        plugin: Plugin[KCFGSemantics] | None = None,
    ):
        """Guard `inner`.

        Args:
            name: What messages call it.
            plugin: Whose object it is, if it is one of a user's class.
            open_ends: Says whether the definition is one in which an unknown `<k>` cell is an open end.
        """
        self._inner = inner
        self._name = name
        self._open_ends = open_ends
        self._plugin = plugin

    def is_terminal(self, c: CTerm) -> bool:
        return self._expect(bool, 'is_terminal', c)

    def abstract_node(self, c: CTerm) -> CTerm:
        return self._expect(CTerm, 'abstract_node', c)

    def is_loop(self, c: CTerm) -> bool:
        return self._expect(bool, 'is_loop', c)

    def same_loop(self, c1: CTerm, c2: CTerm) -> bool:
        return self._expect(bool, 'same_loop', c1, c2)

    def can_make_custom_step(self, c: CTerm) -> bool:
        return self._expect(bool, 'can_make_custom_step', c)

    def custom_step(self, c: CTerm, cs: CTermSymbolic, node_id: int) -> KCFGExtendResult | None:
        """The class's own step; none is left to make at an open end, which pyk asks about after subsumption."""
        made = self._invoke('custom_step', c, cs, node_id)
        if made is not None and not isinstance(made, KCFGExtendResult):
            raise self._wrong('custom_step', 'a KCFGExtendResult or None', made)
        if made is None and self.is_open_end(c) and self.abstract_node(c) == c:
            return Stuck()
        return made

    @property
    def makes_steps(self) -> bool:
        """Whether the class may make steps of its own, which are none of the definition's rules."""
        return getattr(type(self._inner), 'custom_step', None) is not DefaultSemantics.custom_step

    def is_mergeable(self, c1: CTerm, c2: CTerm) -> bool:
        return self._expect(bool, 'is_mergeable', c1, c2)

    def is_open_end(self, c: CTerm) -> bool:
        """Whether nothing is left to execute but the unknown rest of the `<k>` cell."""
        if hasattr(self._inner, 'is_open_end'):
            return self._expect(bool, 'is_open_end', c)
        return self._open_ends() and _is_unknown(c.try_cell('K_CELL'))

    def _expect(self, kind: type[T], method: str, *args: Any) -> T:
        found = self._invoke(method, *args)
        if not isinstance(found, kind):
            raise self._wrong(method, f'a {kind.__name__}', found)
        return found

    def _invoke(self, method: str, *args: Any) -> Any:
        try:
            called = getattr(self._inner, method)
            return called(*args) if self._plugin is None else self._plugin.run(called, *args)
        except Unkeyed as err:
            raise InputError(f'semantics {self._name}: in {method} {err}') from err
        except (StepError, KoreClientError, CTermSMTError, MemoryError):
            raise  # of the server or of the machine, not of the class
        except Exception as err:
            raise SemanticsError(f'semantics {self._name}: {method} raised {type(err).__name__}: {err}') from err

    def _wrong(self, method: str, expected: str, found: object) -> SemanticsError:
        return SemanticsError(
            f'semantics {self._name}: expected {method} to return {expected}, found {type(found).__name__}'
        )


def load_semantics(text: str | None, open_ends: Callable[[], bool], identity: str | None = None) -> GuardedSemantics:
    """The semantics that a reference names, pyk's default for None.

    Args:
        open_ends: See `GuardedSemantics`.
        identity: See `load`.

    Raises:
        InputError: it cannot be imported or made, or is no `KCFGSemantics`.
    """
    if not text:
        return GuardedSemantics(DefaultSemantics(), 'by default', open_ends)
    plugin, name = load(text, 'semantics', identity)
    if not isinstance(plugin.made, KCFGSemantics):
        raise InputError(f'semantics: expected {name} to be a pyk KCFGSemantics, found {type(plugin.made).__name__}')
    return GuardedSemantics(plugin.made, name, open_ends, plugin)


def load(text: str, what: str, identity: str | None = None) -> tuple[Plugin[Any], str]:
    """An object of the class that a reference names, and the name of the class.

    Args:
        identity: What the keys of the results have for it; None if there are no keys to be right.

    Raises:
        InputError: the class cannot be imported or made, or is not the one that the keys speak of; `what` says in the
            message what it was needed as.
    """
    reference = Reference.parse(text)
    if not (reference.module and reference.attribute):
        raise InputError(f'{what}: expected module:Class, found {text!r}')
    try:
        return make(reference, identity), reference.name
    except Unkeyed as err:
        raise InputError(f'{what} {reference.name}: {err}') from err
    except Exception as err:  # whatever a foreign module raises
        raise InputError(
            f'{what}: expected a class {reference.name} that can be made with {reference.arguments or "no arguments"}, '
            f'found {type(err).__name__}: {err}; its package must be importable where the pipeline is started'
        ) from err


def looks_at_control(definition: KDefinition) -> bool:
    """Whether every rewrite rule of a definition looks at the head of the `<k>` cell, and there are such rules."""
    found = False
    for rule in definition.rules:
        state = rule.body.lhs if isinstance(rule.body, KRewrite) else rule.body
        if isinstance(state, KApply) and state.label.name == _STATE:
            cell = _control_cell(state)
            if cell is None or _is_unknown(cell):
                return False
            found = True
    return found


def _control_cell(state: KInner) -> KInner | None:
    """What the left-hand side of a rule has in its `<k>` cell; None if it has none, or one of several."""
    pending = [state]
    while pending:
        term = pending.pop()
        if isinstance(term, KRewrite):
            pending.append(term.lhs)
        elif isinstance(term, KApply) and term.label.name == _CELL and len(term.args) == 1:
            return extract_lhs(term.args[0])
        elif isinstance(term, KApply) and term.label.name.startswith('<'):
            pending += term.args
    return None


def _is_unknown(content: KInner | None) -> bool:
    """Whether this is a variable for a whole computation, with nothing before it."""
    if isinstance(content, KSequence) and len(content.items) == 1:
        content = content.items[0]
    return isinstance(content, KVariable) and content.sort in (None, _UNKNOWN)
