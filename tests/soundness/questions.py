"""Random questions to a server about random definitions, whose answers the evaluator of `meaning` checks on instances.

The embedded server is driven in this process, through the handlers of its methods; another one by its protocol. A
definition is asked many questions. What is wrong is a `Contradiction`.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from meaning import App, Pred, Unknown, Var, from_json, same, split, to_json, to_text, variables
from worlds import MODULE, Terms, b, bindings, i, inj, k, of_value, random_value, random_world, state

from kprover.server.budget import Budget
from kprover.server.engine import Engine
from kprover.server.errors import DefinitionError, PatternError
from kprover.server.methods import Methods
from kprover.server.parse import parse_definition
from kprover.server.smt import SmtOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meaning import Env, Meaning, Term, Value
    from worlds import World

PER_WORLD: Final = 60
_INSTANCES: Final = 10
_SECONDS: Final = 20.0
_ZERO: Final = i(0)


class Server(Protocol):
    """Whoever answers the protocol's methods."""

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result, or what was given as `error`."""


class TooSlow(Exception):
    """A question was not answered in time."""


class InProcess:
    """The embedded server in this process."""

    def __init__(self, text: str) -> None:
        self._methods = Methods(
            Engine(parse_definition(text).modules, MODULE), SmtOptions(timeout_ms=500, retry_limit=0, enabled=True)
        ).table()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result; an error of the server is returned with its class."""
        try:
            return self._methods[method](params, Budget())
        except (TooSlow, KeyboardInterrupt):
            raise
        except Exception as error:
            return {'error': f'{type(error).__name__}: {error}'}

    def close(self) -> None:
        """Nothing is open."""


class Peer:
    """Another server, started for one definition."""

    def __init__(self, command: str, text: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix='campaign-')
        file = Path(self._folder.name) / 'definition.kore'
        file.write_text(text)
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [command, str(file), '--module', MODULE, '--server-port', str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while True:
            try:
                self._socket = socket.create_connection(('127.0.0.1', port), timeout=60)
                break
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f'{command} does not serve {file}') from None
                time.sleep(0.1)
        self._lines = self._socket.makefile('rb')

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result."""
        message = {'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': params}
        self._socket.sendall((json.dumps(message) + '\n').encode())
        answer = json.loads(self._lines.readline())
        return answer.get('result') or {'error': str(answer.get('error'))}

    def close(self) -> None:
        """End the server."""
        self._lines.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


# -- questions -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """A symbolic state: a term and predicates."""

    term: Term
    predicates: tuple[Pred, ...] = ()

    @property
    def pattern(self) -> Term | Pred:
        """The conjunction."""
        return Pred('and', (self.term, *self.predicates)) if self.predicates else self.term

    def instance(self, meaning: Meaning, env: Env) -> Value | None:
        """Return the value under values of the variables, None for none. Raises `Unknown`."""
        return meaning.of_pattern(self.pattern, env)


def envelope(pattern: Term | Pred, at: str = 'GeneratedTopCell') -> dict[str, Any]:
    """Return a pattern in the protocol's wrapping."""
    return {'format': 'KORE', 'version': 1, 'term': to_json(pattern, at)}


@dataclass(frozen=True)
class Contradiction:
    """An answer that an instance refutes."""

    kind: str
    place: str
    world: str
    question: str
    instance: str
    answer: str
    expected: str

    def __str__(self) -> str:
        return (
            f'{self.kind} at {self.place}\n  question: {self.question}\n  instance: {self.instance}\n'
            f'  answer:   {self.answer}\n  expected: {self.expected}'
        )


@dataclass
class Tally:
    """What a campaign has seen; `useful` counts the instances that had a value and were compared."""

    questions: Counter[str] = field(default_factory=Counter)
    useful: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[Contradiction] = field(default_factory=list)
    wrong_kinds: Counter[str] = field(default_factory=Counter)
    slow: int = 0
    cautious: int = 0
    passed: int = 0
    by_ensures: int = 0
    """Instances that a rule leads nowhere as its `ensures` fails, where the answer takes that for a fact."""
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add what another part of the campaign has seen."""
        for name in ('questions', 'useful', 'errors', 'wrong_kinds', 'refused'):
            getattr(self, name).update(getattr(other, name))
        for name in ('unknown', 'slow', 'cautious', 'passed', 'by_ensures'):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong.extend(other.wrong)

    @property
    def asked(self) -> int:
        """How many questions were asked."""
        return self.questions.total()

    def __str__(self) -> str:
        kinds = ', '.join(f'{count} {kind}' for kind, count in sorted(self.questions.items()))
        return (
            f'{self.asked} questions ({kinds}); {self.useful.total()} instances compared, {self.unknown} undecided; '
            f'{self.passed} claims passed; {self.refused.total()} definitions refused, {self.errors.total()} errors, '
            f'{self.slow} without an answer in time; '
            f'{self.by_ensures} where `ensures` was taken for a fact; {self.wrong_kinds.total()} contradictions'
        )


class Asker:
    """Asks about one definition and judges the answers."""

    def __init__(self, world: World, server: Server, source: random.Random, tally: Tally) -> None:
        self.world, self.server, self.source, self.tally = world, server, source, tally
        self.meaning = world.meaning
        self.invented: list[Value] = [('Int', n) for n in (0, 1, 7)]
        self.modules = 0
        self.place = ''
        self.count = _INSTANCES

    # Making questions --------------------------------------------------------------------------------------

    def start(self) -> Start:
        """Return a random state, often an instance of a rule's left side with terms instead of its variables."""
        source, terms = self.source, self.world.terms
        names = {'X': 'Int', 'Y': 'Int', 'M': 'Map', 'I': 'KItem', 'E': 'Exp', 'L': 'List', 'S': 'Set', 'V': 'Val'}
        names = {name: of for name, of in names.items() if source.random() < 0.6} or {'X': 'Int'}
        if source.random() < 0.6 and self.meaning.rules:
            rule = source.choice(self.meaning.rules)
            depth = source.choice([0, 0, 1, 2])
            filling = {
                name: terms.term(of, names, depth) if of != 'K' else App('dotk')
                for name, of in variables(rule.left).items()
                if source.random() < 0.7 or of == 'K'
            }
            left = rule.left
            if source.random() < 0.3:
                left = apart(rule.left)
                filling = {
                    name: random_ground(source, of, self.meaning) if source.random() < 0.6 else terms.term(of, names, 1)
                    for name, of in variables(left).items()
                    if of != 'K'
                }
                filling['R'] = App('dotk')
            term = substituted(left, filling)
        else:
            control = source.choice(list(self.world.controls))
            args = tuple(terms.term(of, names, 2) for of in self.world.controls[control])
            cells = Var('C', 'AccMap') if source.random() < 0.4 else terms.term('AccMap', names, 1)
            term = state(control, args, terms.term('Map', names, source.choice([0, 1])), cells)
        return Start(term, tuple(self.predicate(variables(term)) for _ in range(source.choice([0, 0, 1, 1, 2]))))

    def predicate(self, names: dict[str, str]) -> Pred:
        """Return a random predicate."""
        source, terms = self.source, self.world.terms
        names = {name: of for name, of in names.items() if of not in ('K', 'AccMap')}
        kind = source.random()
        if kind < 0.45:
            made = Pred('equals', (b(True), terms.term('Bool', names, 2)), 'Bool')
        elif kind < 0.7:
            of = source.choice(['Int', 'Int', 'KItem', 'Exp', 'Map'])
            made = Pred('equals', (terms.term(of, names, 1), terms.term(of, names, 2)), of)
        else:
            of = source.choice(['Int', 'Int', 'Bool', 'KItem', 'Exp', 'Map', 'List'])
            made = Pred('ceil', (terms.term(of, names, 2),), of)
        return Pred('not', (made,)) if source.random() < 0.2 else made

    def instances(self, *patterns: Any) -> Iterator[Env]:
        names: dict[str, str] = {}
        for one in patterns:
            names.update(variables(one))
        yield from bindings(self.source, names, self.meaning, self.count)

    def put(self, seed: int, world: int, number: int) -> None:
        """Put a question, which depends on these numbers only, and judge the answer."""
        self.place = f'seed {seed}, definition {world}, question {number}'
        self.source = self.world.terms.source = random.Random(self.place)
        kinds = [self.simplify, self.simplify, self.implies, self.implies, self.execute, self.execute, self.claim]
        signal.setitimer(signal.ITIMER_REAL, _SECONDS)
        try:
            self.source.choice(kinds)()
        except TooSlow:
            self.tally.slow += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    # Judging -----------------------------------------------------------------------------------------------

    def ask(self, kind: str, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        self.tally.questions[kind] += 1
        answer = self.server.ask(method, params)
        if 'error' in answer:
            self.tally.errors[answer['error'][:90]] += 1
            return None
        return answer

    def wrong(self, kind: str, question: str, env: Env, answer: Any, expected: str) -> None:
        self.tally.wrong_kinds[kind] += 1
        shown = ', '.join(f'{name} = {value}' for name, value in sorted(env.items()))
        self.tally.wrong.append(
            Contradiction(kind, self.place, self.world.text, question, shown, brief(answer), expected)
        )

    def simplify(self) -> None:
        """Ask for a normal form: it has the value of the term on each instance, or none where that has none."""
        source, terms = self.source, self.world.terms
        chance = source.random()
        if chance < 0.35:
            self.check_simplify(self.start().pattern, 'GeneratedTopCell', 'simplify state')
            return
        names = {'X': 'Int', 'Y': 'Int', 'M': 'Map', 'I': 'KItem', 'E': 'Exp', 'L': 'List', 'S': 'Set', 'V': 'Val'}
        if chance < 0.7:
            of = source.choice(['Int', 'Bool', 'KItem', 'Exp', 'Map', 'List', 'Set', 'Val'])
            self.check_simplify(terms.term(of, names, 3), of, 'simplify term')
            return
        self.check_simplify(self.predicate(names), 'GeneratedTopCell', 'simplify predicate')

    def check_simplify(self, pattern: Term | Pred, at: str, kind: str) -> None:
        """Ask for a normal form and judge the answer."""
        answer = self.ask(kind, 'simplify', {'state': envelope(pattern, at)})
        if answer is None:
            return
        try:
            made = from_json(answer['state']['term'])
        except Unknown:
            self.tally.unknown += 1
            return
        for env in self.instances(pattern, made):
            try:
                before = self.meaning.of_pattern(pattern, env)
                after = self.meaning.of_pattern(made, env)
                if before is None or after is None:
                    agree = before is after
                elif not split(pattern)[0]:
                    agree = True
                else:
                    agree = same(before, after)
            except Unknown:
                self.tally.unknown += 1
                continue
            self.tally.useful[kind] += 1
            if not agree:
                self.wrong(
                    f'{kind}: {self._what(before, after)}',
                    show(pattern),
                    env,
                    answer['state']['term'],
                    f'{before}, it has {after}',
                )
                return
            if before is not None:
                self._instance_simplify(pattern, at, env)

    def _instance_simplify(self, pattern: Term | Pred, at: str, env: Env) -> None:
        """Ask about the instance too, now and then: what has a value is not bottom."""
        if self.source.random() > 0.05:
            return
        ground = self.ground(pattern, env)
        answer = self.ask('simplify instance', 'simplify', {'state': envelope(ground, at)})
        if answer is not None and answer['state']['term']['tag'] == 'Bottom':
            self.wrong('instance is bottom', show(ground), env, answer['state']['term'], 'it has a value')

    def ground(self, pattern: Any, env: Env) -> Any:
        """Return an instance."""
        return substituted(
            pattern,
            {name: of_value(env[name], of, self.meaning) for name, of in variables(pattern).items() if name in env},
        )

    @staticmethod
    def _what(before: Any, after: Any) -> str:
        return 'value lost' if after is None else 'value made' if before is None else 'another value'

    def implies(self) -> None:
        """Ask for an implication: if it is valid, each instance of the antecedent is one of the consequent."""
        left = self.start()
        self.check_implies(left, self._consequent(left))

    def check_implies(self, left: Start, right: Term | Pred) -> None:
        """Ask for an implication and judge the answer."""
        answer = self.ask(
            'implies',
            'implies',
            {'antecedent': envelope(left.pattern), 'consequent': envelope(right)},
        )
        if answer is None or not answer['valid']:
            return
        body, bound = right, []
        while isinstance(body, Pred) and body.op == 'exists':
            bound.append(body.var)
            body = body.args[0]
        for env in self.instances(left.pattern, right):
            try:
                value = left.instance(self.meaning, env)
                if value is None:
                    continue
                known = {name: one for name, one in env.items() if name not in bound}
                guesses = [*env.values(), *self.invented]
                good = self.meaning.covers(body, value, known, guesses)
            except Unknown:
                self.tally.unknown += 1
                continue
            self.tally.useful['implies'] += 1
            if not good:
                self.wrong(
                    'implies',
                    f'{show(left.pattern)}\n  implies   {show(right)}',
                    env,
                    answer.get('condition'),
                    'not valid',
                )
                return
            if self.source.random() < 0.1:
                self._instance_implies(left, right, env, bound)

    def _instance_implies(self, left: Start, right: Any, env: Env, bound: list[str]) -> None:
        known = {name: one for name, one in env.items() if name not in bound}
        before, after = self.ground(left.pattern, known), self.ground(right, known)
        answer = self.ask(
            'implies instance', 'implies', {'antecedent': envelope(before), 'consequent': envelope(after)}
        )
        if answer is not None and answer.get('status') == 'invalid':
            self.wrong(
                'instance is invalid',
                f'{show(before)}\n  implies   {show(after)}',
                env,
                'invalid',
                'as the universal one: valid',
            )

    def _consequent(self, left: Start) -> Term | Pred:
        """Return what the antecedent may imply: itself with parts simplified, replaced, generalised, or conditions."""
        source, terms = self.source, self.world.terms
        term = left.term
        names = {name: of for name, of in variables(term).items() if of not in ('K', 'AccMap')}
        predicates = list(left.predicates) if source.random() < 0.3 else []
        chance = source.random()
        exists: list[Var] = []
        if chance < 0.35:
            predicates.append(self.predicate(names))
        elif chance < 0.75:
            term, exists = self._replaced(term, names)
        else:
            of = source.choice(['Int', 'Map', 'KItem', 'List', 'Exp'])
            hidden = terms.term(of, names, 2)
            predicates.append(
                Pred('equals', (hidden, hidden if source.random() < 0.5 else terms.term(of, names, 1)), of)
            )
        body: Term | Pred = Pred('and', (term, *predicates)) if predicates else term
        for var in exists:
            body = Pred('exists', (body,), var.sort, var.name)
        return body

    def _replaced(self, term: Any, names: dict[str, str]) -> tuple[Any, list[Var]]:
        """Return the state with one argument of its control replaced by another term, or by an existential variable."""
        source = self.source
        rest = term.args[0].args[1]
        control = term.args[0].args[0].args[0]
        sorts = self.world.controls[control.name]
        at = source.randrange(len(sorts))
        old, of = control.args[at], sorts[at]
        kind = source.random()
        exists: list[Var] = []
        new: Any
        if kind < 0.25:
            exists = [Var('Z', of)]
            new = exists[0]
        elif kind < 0.65:
            new = disguised(source, old, of, self.world.terms, names)
        else:
            new = self.world.terms.term(of, names, 2)
        args = (*control.args[:at], new, *control.args[at + 1 :])
        return App('top', (k(App(control.name, args), 'Ctl', rest), *term.args[1:])), exists

    def execute(self) -> None:
        """Ask for steps: each step of each instance is covered by a successor."""
        start = self.start()
        self.check_execute(start, self.source.choice([1, 1, 1, 2, 3]))

    def check_execute(self, start: Start, depth: int) -> None:
        """Ask for steps and judge the answer."""
        answer = self.ask('execute', 'execute', {'state': envelope(start.pattern), 'max-depth': depth})
        if answer is None:
            return
        if answer['reason'] == 'aborted':
            return
        for env in self.instances(start.pattern):
            try:
                value = start.instance(self.meaning, env)
                if value is None:
                    continue
                self.meaning.by_ensures = False
                lack = self.lacking(answer, value, env)
            except Unknown:
                self.tally.unknown += 1
                continue
            self.tally.useful['execute'] += 1
            if lack is not None and self.meaning.by_ensures:
                self.tally.by_ensures += 1
                return
            if lack is not None:
                self.wrong(f'execute: {lack[0]}', f'{show(start.pattern)} (depth {depth})', env, answer, lack[1])
                return
            if self.source.random() < 0.05:
                self._instance_execute(start, env, answer)

    def _instance_execute(self, start: Start, env: Env, universal: dict[str, Any]) -> None:
        ground = self.ground(start.pattern, env)
        answer = self.ask('execute instance', 'execute', {'state': envelope(ground), 'max-depth': 1})
        if answer is None:
            return
        if answer['reason'] == 'vacuous' or (answer['reason'] == 'stuck' and universal['depth'] > 0):
            try:
                self.meaning.by_ensures = False
                self.lacking({**universal, 'reason': 'vacuous'}, start.instance(self.meaning, env) or (), env)
            except Unknown:
                return
            if self.meaning.by_ensures:
                self.tally.by_ensures += 1
                return
            self.wrong(
                f'execute: instance is {answer["reason"]}',
                show(ground),
                env,
                answer,
                f'as the universal state: {universal["reason"]}',
            )

    def lacking(self, answer: dict[str, Any], value: Value, env: Env) -> tuple[str, str] | None:
        """Return what an answer to `execute` lacks of the steps of an instance, None if nothing. Raises `Unknown`."""
        reason, depth = answer['reason'], answer['depth']
        current = [value]
        for _ in range(depth):
            following: list[Value] = []
            for one in current:
                made = self.meaning.step(one, self.invented)
                if not made:
                    return 'a step too many', f'{one} leads nowhere'
                following.extend(made)
            current = list(dict.fromkeys(following))
            if len(current) > 12:
                raise Unknown
        reached = pattern_of(answer['state'])
        if reason == 'vacuous':
            self.meaning.step(current[0], self.invented)
            return 'vacuous', f'the instance has a value and is {current[0]} after {depth} steps'
        guesses = [*env.values(), *self.invented]
        if reason == 'branching' or answer.get('next-states'):
            states = [pattern_of(one) for one in answer['next-states']]
            for one in current:
                made = self.meaning.step(one, self.invented)
                for each in made or [one]:
                    # The remainder is a state that has not gone on yet: what it covers comes with the next step.
                    if not self._covered(states, each, env, guesses) and not self._covered(states, one, env, guesses):
                        return ('a branch is missing' if made else 'the remainder is missing'), f'{each}'
            return None
        for one in current:
            if not self._covered([reached], one, env, guesses):
                return 'the state does not cover', f'{one}'
            if reason == 'stuck' and self.meaning.step(one, self.invented):
                self.tally.cautious += 1  # a stuck state proves nothing
        return None

    def _covered(self, states: list[Any], value: Value, env: Env, guesses: list[Value]) -> bool:
        unsure = False
        for one in states:
            try:
                if self.meaning.covers(one, value, dict(env), guesses):
                    return True
            except Unknown:
                unsure = True
        if unsure:
            raise Unknown
        return False

    # Claims ------------------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Prove a claim with the prover's loop, with itself as circularity: each instance reaches the target."""
        start = self.start()
        target = self._target(start)
        self.tally.questions['claim'] += 1
        module = self._circularity(start, target)
        if not self._proved(start, target, module):
            return
        self.tally.passed += 1
        for env in self.instances(start.pattern):
            try:
                value = start.instance(self.meaning, env)
                if value is None:
                    continue
                self.meaning.by_ensures = False
                lost = self._misses(value, target, env)
            except Unknown:
                self.tally.unknown += 1
                continue
            self.tally.useful['claim'] += 1
            if lost is not None and self.meaning.by_ensures:
                self.tally.by_ensures += 1
                return
            if lost is not None:
                self.wrong(
                    'claim', f'{show(start.pattern)}\n  =>  {show(target)}', env, 'passed', f'{lost} leads nowhere'
                )
                return

    def _target(self, start: Start) -> Term | Pred:
        """Return where the symbolic execution goes, with a part replaced now and then."""
        answer = self.server.ask('execute', {'state': envelope(start.pattern), 'max-depth': self.source.choice([1, 2])})
        states = answer.get('next-states') or ([answer['state']] if 'state' in answer else [])
        known = variables(start.pattern)
        for one in states[:1]:
            try:
                terms, _ = split(pattern_of(one))
            except Unknown:
                break
            if len(terms) != 1 or not isinstance(terms[0], App) or terms[0].name != 'top':
                break
            term: Any = terms[0]
            exists = [Var(name, of) for name, of in variables(term).items() if name not in known]
            body: Any = term
            for var in exists:
                body = Pred('exists', (body,), var.sort, var.name)
            return body  # type: ignore[no-any-return]
        return start.term

    def _circularity(self, start: Start, target: Term | Pred) -> str | None:
        """Add the claim as a rule of highest priority; None if it cannot be one."""
        if isinstance(target, Pred) or any(one.op != 'equals' for one in start.predicates):
            return None
        self.modules += 1
        left, right = to_text(start.term), to_text(target)
        top = '\\top{SortGeneratedTopCell{}}()'
        conditions = f'\\and{{SortGeneratedTopCell{{}}}}({left}, {top})'
        if start.predicates:
            return None
        at = '{SortGeneratedTopCell{}}'
        text = (
            f'module CIRCULARITY-{self.modules}\n  import {MODULE} []\n'
            f'  axiom{{}} \\rewrites{at}({conditions}, \\and{at}({right}, {top})) '
            f'[label{{}}("CIRCULARITY"), priority{{}}("1")]\nendmodule []'
        )
        answer = self.server.ask('add-module', {'module': text})
        return answer.get('module')

    def _proved(self, start: Start, target: Term | Pred, module: str | None) -> bool:
        pending: list[tuple[Any, int]] = [(start.pattern, 0)]
        wanted = envelope(target)
        for _ in range(12):
            if not pending:
                return True
            pattern, steps = pending.pop()
            where = envelope(pattern)
            answer = self.server.ask('implies', {'antecedent': where, 'consequent': wanted})
            if 'error' in answer:
                return False
            if answer['valid']:
                continue
            params = {'state': where, 'max-depth': 1}
            if steps and module:
                params['module'] = module
            answer = self.server.ask('execute', params)
            if 'error' in answer or answer['reason'] in ('stuck', 'aborted'):
                return False
            if answer['reason'] == 'vacuous':
                continue
            following = answer.get('next-states') or [answer['state']]
            try:
                if len(following) > 1 and all(one.get('rule-predicate') for one in following):
                    # As pyk does: the conditions split the state, which is no progress yet.
                    for one in following:
                        condition = from_json(one['rule-predicate']['term'])
                        pending.append((Pred('and', (pattern, condition)), steps))
                else:
                    pending.extend((pattern_of(one), steps + 1) for one in following)
            except Unknown:
                return False
        return not pending

    def _misses(self, value: Value, target: Any, env: Env) -> Value | None:
        """Return where a path of an instance ends without having met the target. Raises `Unknown` for endless paths."""
        body = target
        bound = set()
        while isinstance(body, Pred) and body.op == 'exists':
            bound.add(body.var)
            body = body.args[0]
        known = {name: one for name, one in env.items() if name not in bound}
        pending, steps = [value], 0
        while pending:
            one = pending.pop()
            steps += 1
            if steps > 40:
                raise Unknown
            if self.meaning.covers(body, one, known, [*env.values(), *self.invented]):
                continue
            following = self.meaning.step(one, self.invented)
            if not following:
                return one
            pending.extend(following)
        return None


def pattern_of(answered: dict[str, Any]) -> Term | Pred:
    """Return a state of an answer, whose conditions stand beside its term, as one pattern."""
    beside = [answered[name] for name in ('predicate', 'substitution') if answered.get(name)]
    parts = [from_json(one['term']) for one in (answered['term'], *beside)]
    return Pred('and', tuple(parts)) if len(parts) > 1 else parts[0]


def disguised(source: random.Random, term: Any, of: str, terms: Terms, names: dict[str, str]) -> Any:
    """Return a term that looks equal and may have no value."""
    if of == 'Int':
        hidden = terms.term('Int', names, 2)
        return source.choice(
            [
                App('add', (term, App('mul', (hidden, _ZERO)))),
                App('ite', (terms.term('Bool', names, 2), term, term), ('Int',)),
                App('add', (term, App('sub', (hidden, hidden)))),
            ]
        )
    if of == 'Bool':
        return App('or', (App('and', (term, terms.term('Bool', names, 2))), term))
    if of == 'Map':
        return source.choice(
            [
                App(
                    'remove',
                    (
                        App('update', (term, inj(_ZERO, 'Int', 'KItem'), terms.term('KItem', names, 2))),
                        inj(_ZERO, 'Int', 'KItem'),
                    ),
                ),
                App('ite', (terms.term('Bool', names, 2), term, term), ('Map',)),
            ]
        )
    return App('ite', (terms.term('Bool', names, 2), term, term), (of,))


def apart(pattern: Any) -> Any:
    """Return a pattern with another variable at each place: its instances need not be those of the pattern."""
    count = 0

    def walk(one: Any) -> Any:
        nonlocal count
        if isinstance(one, Var) and one.sort != 'K':
            count += 1
            return Var(f'{one.name}N{count}', one.sort)
        return App(one.name, tuple(map(walk, one.args)), one.sorts) if isinstance(one, App) else one

    return walk(pattern)


def random_ground(source: random.Random, of: str, meaning: Meaning) -> Term:
    """Return a term of a random value."""
    return of_value(random_value(source, of, meaning), of, meaning)


def substituted(pattern: Any, by: dict[str, Any]) -> Any:
    """Return a pattern with terms for its variables."""
    if isinstance(pattern, Var):
        return by.get(pattern.name, pattern)
    if isinstance(pattern, App):
        return App(pattern.name, tuple(substituted(one, by) for one in pattern.args), pattern.sorts)
    if isinstance(pattern, Pred):
        inner = {name: one for name, one in by.items() if name != pattern.var}
        return Pred(pattern.op, tuple(substituted(one, inner) for one in pattern.args), pattern.of, pattern.var)
    return pattern


def show(pattern: Any) -> str:
    """Return a pattern for reading."""
    if isinstance(pattern, Pred):
        inside = ', '.join(map(show, pattern.args))
        return f'\\{pattern.op}({pattern.var + ", " if pattern.var else ""}{inside})'
    if isinstance(pattern, App):
        if pattern.name == 'inj':
            return show(pattern.args[0])
        return f'{pattern.name}({", ".join(map(show, pattern.args))})' if pattern.args else pattern.name
    return f'{pattern.name}:{pattern.sort}' if isinstance(pattern, Var) else pattern.text


def brief(answer: Any) -> str:
    """Return an answer for reading."""
    if isinstance(answer, dict) and 'reason' in answer:
        states = [answer['state'], *(answer.get('next-states') or ())]
        return f'{answer["reason"]} at {answer["depth"]}: ' + ' | '.join(show(pattern_of(one)) for one in states)
    if isinstance(answer, dict) and 'tag' in answer:
        try:
            return show(from_json(answer))
        except Unknown:
            pass
    return f'{answer}'[:1500]


# -- the campaign ----------------------------------------------------------------------------------------


def _late(*_: object) -> None:
    raise TooSlow


def campaign(
    questions: int,
    seed: int,
    *,
    progress: Callable[[Tally, int], None] | None = None,
    serve: Callable[[str], Any] = InProcess,
    first: int = 0,
) -> Tally:
    """Ask `questions` questions; deterministic in `seed`. Definitions are numbered, from `first`."""
    tally = Tally()
    world_number = first
    signal.signal(signal.SIGALRM, _late)
    while tally.asked < questions:
        source = random.Random(f'campaign {seed} {world_number}')
        world = random_world(source)
        try:
            server = serve(world.text)
        except (PatternError, DefinitionError) as error:
            tally.refused[f'{error}'[:90]] += 1
            world_number += 1
            continue
        asker = Asker(world, server, source, tally)
        try:
            for number in range(PER_WORLD):
                if tally.asked >= questions:
                    break
                asker.put(seed, world_number, number)
        finally:
            server.close()
        if progress is not None:
            progress(tally, world_number)
        world_number += 1
    return tally
