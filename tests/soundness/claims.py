"""Claims about programs as values that can be checked on concrete inputs, changed, and turned into pyk's claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.kast.prelude.collections import list_of, map_of
from pyk.kast.prelude.kbool import andBool
from pyk.kast.prelude.kint import INT, intToken
from terms import Undefined, evaluate, mutated, opaque_input

from examples.imp import interpreter as imp
from examples.imp.language import CONFIGURATION as IMP
from examples.prelude import identifier
from examples.stack import interpreter as stack
from examples.stack.language import CONFIGURATION as STACK
from examples.stack.language import NEXT, OPERANDS, RUNNING, STATUSES, program, status

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KClaim
    from terms import Values

_LIMIT = 3_000


class _Differs(Exception):
    """The end of a run is not the target."""


def _bind(target: KInner, value: int, bound: dict[str, int]) -> None:
    """Compare a value with the target's term; an existential variable takes the value that it meets."""
    if isinstance(target, KVariable) and target.name not in bound:
        bound[target.name] = value
        return
    try:
        if evaluate(target, bound) != value:
            raise _Differs
    except Undefined:
        raise _Differs from None


def _holds(condition: Sequence[KInner], values: Values) -> bool:
    try:
        return all(evaluate(one, values) for one in condition)
    except Undefined:
        return False


def _fails(condition: Sequence[KInner], values: Values) -> bool:
    """Return whether a condition is certainly false, which it is not if an existential variable has no value."""
    try:
        return not _holds(condition, values)
    except KeyError:
        return False


def _changed_entry(
    entries: Sequence[tuple[object, KInner]], variables: Sequence[KInner], source: random.Random
) -> tuple[tuple[object, KInner], ...]:
    """Return entries with one value changed, two values exchanged, or one entry less."""
    made = list(entries)
    if not made:
        return ()
    where = source.randrange(len(made))
    kind = source.random()
    if kind < 0.2 and len(made) > 1:
        other = source.randrange(len(made))
        (a, one), (b, two) = made[where], made[other]
        made[where], made[other] = (a, two), (b, one)
    elif kind < 0.25:
        del made[where]
    else:
        key, value = made[where]
        if isinstance(value, KVariable) and value.name.startswith('?'):
            made[where] = (key, source.choice([*variables, intToken(0)]))
        else:
            made[where] = (key, mutated(value, variables, (), source))
    return tuple(made)


def _changed_condition(
    condition: tuple[KInner, ...], variables: Sequence[KInner], source: random.Random
) -> tuple[KInner, ...]:
    """Return a condition with one part changed, or one less."""
    if not condition:
        return condition
    where = source.randrange(len(condition))
    if source.random() < 0.4:
        return condition[:where] + condition[where + 1 :]
    return (*condition[:where], mutated(condition[where], variables, (), source), *condition[where + 1 :])


@dataclass(frozen=True)
class ImpClaim:
    """Where `requires`, `program` takes the variables from `before` to `after`, failing or not, and `ensures`."""

    program: KInner
    before: tuple[tuple[str, KInner], ...]
    failure: KInner | None
    after: tuple[tuple[str, KInner], ...]
    requires: tuple[KInner, ...] = ()
    ensures: tuple[KInner, ...] = ()

    language = 'imp'

    @property
    def inputs(self) -> tuple[str, ...]:
        """The variables that stand for any integer."""
        return tuple(dict.fromkeys(value.name for _, value in self.before if isinstance(value, KVariable)))

    def refuted_by(self, values: Values) -> bool:
        """Return whether the claim is wrong for these inputs."""
        if not _holds(self.requires, values):
            return False
        before = {name: int(evaluate(value, values)) for name, value in self.before}
        try:
            outcome = imp.Interpreter(opaque_input, limit=_LIMIT).run(self.program, before)
        except imp.OutOfSteps:
            return False
        expected = None
        if isinstance(self.failure, KApply):
            shown = ''.join(f'({arg.token})' for arg in self.failure.args if isinstance(arg, KToken))
            expected = f'{self.failure.label.name}{shown}'
        bound = dict(values)
        try:
            if outcome.failure != expected or outcome.variables.keys() != {name for name, _ in self.after}:
                return True
            for name, target in self.after:
                _bind(target, outcome.variables[name], bound)
        except _Differs:
            return True
        return _fails(self.ensures, bound)

    def claim(self, label: str) -> KClaim:
        """Return the claim for pyk."""

        def state(entries: Sequence[tuple[str, KInner]]) -> KInner:
            return map_of((identifier(name), value) for name, value in entries)

        end = KSequence() if self.failure is None else KSequence(self.failure)
        contents = {'k': (KSequence(self.program), end), 'state': (state(self.before), state(self.after))}
        return IMP.claim(label, contents, requires=andBool(self.requires), ensures=andBool(self.ensures))

    def mutant(self, source: random.Random) -> ImpClaim:
        """Return the claim with one change."""
        names = (*(name for name, _ in self.after), 'nowhere')
        variables = [KVariable(name, INT) for name in self.inputs]
        if not variables:
            variables = [intToken(7)]
        parts = (
            ['after'] * 5 + ['program'] + ['ensures'] * 4 * bool(self.ensures) + ['requires'] * 4 * bool(self.requires)
        )
        match source.choice([*parts, *['failure'] * (1 + 2 * (self.failure is not None))]):
            case 'after':
                return replace(self, after=_changed_entry(self.after, variables, source))
            case 'program':
                return replace(self, program=mutated(self.program, variables, names, source))
            case 'ensures':
                return replace(self, ensures=_changed_condition(self.ensures, variables, source))
            case 'requires':
                return replace(self, requires=_changed_condition(self.requires, variables, source))
        other = source.choice([None, KApply('divisionByZero'), KApply('undeclared', identifier(source.choice(names)))])
        return replace(self, failure=other)


@dataclass(frozen=True)
class StackClaim:
    """A machine with `code` halts with `reason`: `start` and `end` are stacks, top first, the maps are storage."""

    code: tuple[KInner, ...]
    start: tuple[KInner, ...]
    storage: tuple[tuple[KInner, KInner], ...]
    gas: KInner
    reason: str
    end: tuple[KInner, ...]
    stored: tuple[tuple[KInner, KInner], ...]
    left: KInner
    place: KInner
    requires: tuple[KInner, ...] = ()
    ensures: tuple[KInner, ...] = ()

    language = 'stack'

    @property
    def inputs(self) -> tuple[str, ...]:
        """The variables that stand for any integer."""
        parts = [*self.start, self.gas, *(part for entry in self.storage for part in entry)]
        return tuple(dict.fromkeys(part.name for part in parts if isinstance(part, KVariable)))

    def refuted_by(self, values: Values) -> bool:
        """Return whether the claim is wrong for these inputs. A start with a key twice is no state."""
        if not _holds(self.requires, values):
            return False
        slots = [(int(evaluate(key, values)), int(evaluate(value, values))) for key, value in self.storage]
        if len(dict(slots)) < len(slots):
            return False
        machine = stack.Machine(
            stack=[int(evaluate(item, values)) for item in reversed(self.start)],
            storage=dict(slots),
            gas=int(evaluate(self.gas, values)),
        )
        try:
            stack.run(self.code, machine, _LIMIT)
        except stack.OutOfSteps:
            return False
        bound = dict(values)
        try:
            if machine.status != self.reason or len(machine.stack) != len(self.end):
                return True
            for target, value in zip(self.end, reversed(machine.stack), strict=True):
                _bind(target, value, bound)
            _bind(self.left, machine.gas, bound)
            _bind(self.place, machine.pc, bound)
            expected: dict[int, KInner] = {}
            for key, target in self.stored:
                expected[int(evaluate(key, bound))] = target
            if expected.keys() != machine.storage.keys() or len(expected) < len(self.stored):
                return True
            for at, target in expected.items():
                _bind(target, machine.storage[at], bound)
        except (_Differs, Undefined):
            return True
        return _fails(self.ensures, bound)

    def claim(self, label: str) -> KClaim:
        """Return the claim for pyk."""
        contents = {
            'k': (KSequence(NEXT), KSequence()),
            'pc': (intToken(0), self.place),
            'program': program(self.code),
            'stack': (list_of(self.start), list_of(self.end)),
            'storage': (map_of(self.storage), map_of(self.stored)),
            'gas': (self.gas, self.left),
            'status': (RUNNING, status(self.reason)),
        }
        return STACK.claim(label, contents, requires=andBool(self.requires), ensures=andBool(self.ensures))

    def mutant(self, source: random.Random) -> StackClaim:
        """Return the claim with one change."""
        variables = [KVariable(name, INT) for name in self.inputs] or [intToken(7)]
        parts = ['end'] * 5 * bool(self.end) + ['stored'] * 4 * bool(self.stored) + ['left', 'place', 'reason', 'code']
        parts += ['requires'] * 5 * bool(self.requires) + ['ensures'] * 5 * bool(self.ensures)
        match source.choice(parts):
            case 'end':
                changed = _changed_entry(list(enumerate(self.end)), variables, source)
                return replace(self, end=tuple(item for _, item in changed))
            case 'stored':
                return replace(self, stored=_changed_entry(self.stored, variables, source))  # type: ignore[arg-type]
            case 'left':
                return replace(self, left=mutated(self.left, variables, (), source))
            case 'place':
                return replace(self, place=mutated(self.place, variables, (), source))
            case 'reason':
                return replace(self, reason=source.choice([one for one in STATUSES if one != self.reason]))
            case 'requires':
                return replace(self, requires=_changed_condition(self.requires, variables, source))
            case 'ensures':
                return replace(self, ensures=_changed_condition(self.ensures, variables, source))
        where = source.randrange(len(self.code))
        changed_code = mutated(self.code[where], variables, (), source)
        if not isinstance(changed_code, KApply) or not changed_code.args:
            changed_code = KApply(source.choice([*OPERANDS]))
        elif not isinstance(changed_code.args[0], KToken):
            return self
        return replace(self, code=(*self.code[:where], changed_code, *self.code[where + 1 :]))


Claim = ImpClaim | StackClaim


def witness(claim: Claim, source: random.Random, tries: int = 150) -> dict[str, int] | None:
    """Return inputs for which the claim is wrong, if some are found."""
    for attempt in range(tries):
        spread = (2, 6, 40)[attempt % 3]
        values = {name: source.randint(-spread, spread) for name in claim.inputs}
        if claim.language == 'stack' and 'G' in values:
            values['G'] = source.randint(0, 60)
        if attempt % 7 == 0 and len(values) > 1:
            values = dict.fromkeys(values, source.randint(-3, 3))
        if claim.refuted_by(values):
            return values
    return None
