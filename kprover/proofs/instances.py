"""Ground instances of the states of a proof, executed and held against its graph.

What is checked here is checked without a symbolic step: an instance is a state without variables, the interpreter of
`kprover.ground` runs it by the definition's own rules, and what comes out must be an instance of what the graph says
follows. The server is asked for models of a condition, for builtin functions that the interpreter does not know, and to
run the same ground states, whose ends must be in the graph too.

======== ========================================================================
of       what must hold of an instance with a value
======== ========================================================================
edge     every path from it comes to an instance of the edge's end, within its depth
split    it is an instance of one of the branches
ndbranch each state after it is an instance of one of the branches
cover    it is an instance of the covering node
vacuous  there is none, and none of a refuted node
claim    every path from one of the initial state comes to one of the target
equality both sides have the same value, or none
======== ========================================================================
"""

from __future__ import annotations

import random
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyk.kast.manip import free_vars
from pyk.kast.prelude.ml import mlAnd
from pyk.kore.parser import KoreParser
from pyk.kore.rpc import KoreClientError, SatResult, StopReason
from pyk.proof.implies import EqualityProof

from ..ground.definition import load, split
from ..ground.evaluate import FUEL, Evaluator
from ..ground.generate import Generator, NoSuchValue
from ..ground.kore import read_pattern, write
from ..ground.rewrite import Rewriter, unbound
from ..ground.terms import DV, App, NoValue, Undecided, Var, names, subterms
from .codec import canonical, sha256, unpack, unpack_text
from .errors import BackendError, InputError, MissingRecord
from .semantics import GuardedSemantics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from pyk.kast.inner import KInner
    from pyk.kcfg.explore import KCFGExplore

    from ..ground.definition import Definition as GroundDefinition
    from ..ground.terms import Term
    from .client import ProverClient
    from .codec import TermCache
    from .sources import Definition

ATTEMPTS: Final = 10
"""So many instances are tried for one that satisfies the condition."""

MODELS: Final = 6
"""So many models of a condition are asked of the solver."""

STEPS: Final = 500
"""Rewrite steps of one instance where nothing else bounds them."""

PATHS: Final = 64
"""Paths of one instance that are followed side by side."""

CONTRADICTIONS: Final = 3
"""After so many a task ends."""

_DEFINITIONS: Final = 2


@dataclass(frozen=True)
class Node:
    """A node of the graph with what follows it.

    Attributes:
        kind: `edge`, `split`, `ndbranch`, `cover`, `vacuous`, `refuted`, or another word where there is nothing to
            check.
        targets: The nodes that follow.
        depth: Rewrite steps of an edge.
        exact: Whether an edge was made by the rules of the definition alone, so that `depth` bounds its paths.
    """

    id: str
    term: str
    kind: str
    targets: tuple[str, ...] = ()
    depth: int = 0
    exact: bool = False


@dataclass(frozen=True)
class Instance:
    """A ground state of a node.

    Attributes:
        values: Of the variables, also of those that a state before it had.
        generated: Whether it was made here, not reached.
    """

    node: Node
    values: Mapping[str, Term]
    state: Term
    generated: bool


@dataclass
class Found:
    """What a task has found so far.

    Attributes:
        counts: `instances` that were checked, and those that were skipped: `rejected` by the condition, `no-value`,
            `undecided`; `bounded` for those whose paths were left at a bound; `server-runs`.
        contradictions: For the report.
        reasons: Why instances were undecided, with how often.
    """

    counts: Counter[str] = field(default_factory=Counter)
    contradictions: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def enough(self) -> bool:
        return len(self.contradictions) >= CONTRADICTIONS

    def undecided(self, err: Undecided) -> None:
        self.counts['undecided'] += 1
        self.reasons[str(err)] += 1


class GroundDefinitions:
    """The definitions of a worker process as the interpreter reads them; read again when the file has changed."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int, int, str], GroundDefinition] = OrderedDict()

    def get(self, kompiled: str, lemmas: str | None) -> GroundDefinition:
        """The definition in a kompiled folder with the rules, not the simplifications, of a lemma module."""
        path = Path(kompiled) / 'definition.kore'
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size, lemmas or '')
        known = self._known.get(key)
        if known is None:
            try:
                known = load(path.read_text(encoding='utf-8'), [] if lemmas is None else [lemmas])
            except ValueError as err:
                raise InputError(f'{path}: expected Kore as kompile writes it: {err}') from err
            self._known[key] = known
            while len(self._known) > _DEFINITIONS:
                self._known.popitem(last=False)
        return known


def check_instances(
    header: Mapping[str, Any],
    blobs: Mapping[str, bytes],
    *,
    explore: KCFGExplore,
    client: ProverClient,
    definition: Definition,
    ground: GroundDefinitions,
    terms: TermCache,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Check instances of states of one proof.

    Args:
        header: `graph` (nodes by number, with the fields of `Node`), `init`, `target` (numbers), `starts` (numbers of
            the nodes whose instances are made), `follow` (whether what they lead to is checked too), `whole` (whether
            their paths must come to the target), `instances` (how many for each node), `seed`, `assume_defined`,
            `seconds` (after which the task ends with what it has found), `trusted` (whether steps may be made
            by claims that have not been shown, itself among them), `lemma_module`; for an equality `proof` in place of
            those about a graph.
        blobs: The terms by hash, and the text of the lemma module as `lemmas`, if there is one.

    Returns:
        `counts`, `contradictions` (each with `node`, `kind`, `what`, `state`, `kore`, `values`, `reached`), `reasons`.
    """
    found = Found()
    lemmas = unpack_text(blobs['lemmas']) if 'lemmas' in blobs else None
    interpreted = ground.get(header['kompiled'], lemmas)
    checker = _Checker(header, explore, client, definition, interpreted, found)
    if 'proof' in header:
        checker.equality(_equality(header, blobs))
    else:
        checker.reachability(header, lambda term: terms.decode(term, blobs.get).kast)
    answer = {
        'counts': dict(found.counts),
        'contradictions': found.contradictions,
        'reasons': dict(found.reasons.most_common(5)),
        'rewrites': 0,
    }
    return answer, {}


def _equality(header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> EqualityProof:
    if 'proof' not in blobs:
        raise MissingRecord(f'Expected a blob for the equality {header["proof"]}, found none.')
    dct = unpack(blobs['proof'])
    if (found := sha256(canonical(dct))) != header['proof']:
        raise MissingRecord(f'Expected the equality {header["proof"]}, found another one: {found}')
    return EqualityProof.from_dict({**dct, 'admitted': False})


class _Checker:
    """The check of one task."""

    def __init__(
        self,
        header: Mapping[str, Any],
        explore: KCFGExplore,
        client: ProverClient,
        definition: Definition,
        ground: GroundDefinition,
        found: Found,
    ):
        self._explore = explore
        self._client = client
        self._definition = definition
        self._ground = ground
        self._found = found
        self._instances = int(header['instances'])
        self._seed = header['seed']
        self._module = header.get('lemma_module')
        self._assume_defined = bool(header.get('assume_defined'))
        self._trusted = bool(header.get('trusted'))
        self._evaluator = Evaluator(ground, self._ask)
        self._rewriter = Rewriter(self._evaluator, self._some)
        self._generator = Generator(self._evaluator, random.Random(str(self._seed)))
        self._rng = random.Random()
        self._good: list[Mapping[str, Term]] = []
        self._asked: dict[App, Term | None] = {}
        self._graph: dict[str, Node] = {}
        self._patterns: dict[str, tuple[Term, tuple[Term, ...]]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._target = ''
        self._universals: tuple[Var, ...] = ()
        self._ends = time.monotonic() + float(header['seconds'])

    # -- equalities ---------------------------------------------------------------------------------------------

    def equality(self, proof: EqualityProof) -> None:
        """Both sides of an equality on instances of its condition."""
        equality = self._kore(proof.equality)
        assert isinstance(equality, App)
        left, right = equality.args
        condition = tuple(part for constraint in proof.constraints for part in split(self._kore(constraint))[1])
        variables = unbound((left, right, *condition), {})
        self._prepare('equality', (left, right, *condition))
        condition_pattern = self._kore(mlAnd(proof.constraints)) if proof.constraints else None
        for values in self._assignments(variables, condition, condition_pattern):
            try:
                self._evaluator.fuel = FUEL
                if not self._evaluator.all_hold(condition, values):
                    self._found.counts['rejected'] += 1
                    continue
                sides = [self._optional(left, values), self._optional(right, values)]
                if sides == [None, None] or (self._assume_defined and None in sides):
                    self._found.counts['no-value'] += 1
                    continue
                same = None not in sides and self._evaluator.matcher.same(*sides)  # type: ignore[arg-type]
            except Undecided as err:
                self._found.undecided(err)
                continue
            self._found.counts['instances'] += 1
            if not same:
                texts = ['no value' if side is None else self._text(side) for side in sides]
                self._contradict(
                    '0',
                    'equality',
                    f'the left side is {texts[0]}, the right side {texts[1]}',
                    next((side for side in sides if side is not None), None),
                    values,
                    variables,
                )
            if self._found.enough or self._found.counts['instances'] >= self._instances:
                return

    # -- graphs -------------------------------------------------------------------------------------------------

    def reachability(self, header: Mapping[str, Any], kast: Callable[[str], KInner]) -> None:
        """Instances of the nodes that the header names."""
        semantics = self._explore.kcfg_semantics
        own_steps = not isinstance(semantics, GuardedSemantics) or semantics.makes_steps
        for number, fields in header['graph'].items():
            node = Node(number, **{**fields, 'targets': tuple(fields.get('targets', ()))})
            self._graph[number] = replace(node, exact=False) if own_steps else node
        self._target = str(header['target'])
        for node in self._graph.values():
            pattern, predicates, exists = split(self._kore(kast(node.term)))
            if pattern is None or exists:
                raise BackendError(f'node {node.id}: expected a state, found none')
            self._patterns[node.id] = (pattern, predicates)
            self._names[node.id] = frozenset().union(*map(names, (pattern, *predicates)))
        target_terms = self._terms(self._target)
        init = {variable.name for variable in unbound(self._terms(str(header['init'])), {})}
        self._universals = tuple(variable for variable in unbound(target_terms, {}) if variable.name in init)
        whole = bool(header.get('whole')) and not own_steps
        for start in header['starts']:
            self._node(self._graph[str(start)], bool(header.get('follow')), whole)
            if self._found.enough:
                return

    def _terms(self, node: str) -> tuple[Term, ...]:
        pattern, predicates = self._patterns[node]
        return (pattern, *predicates)

    def _node(self, node: Node, follow: bool, whole: bool) -> None:
        pattern, predicates = self._patterns[node.id]
        self._prepare(node.id, [part for other in {node.id, self._target} for part in self._terms(other)])
        variables = unbound((pattern, *predicates), {})
        known = self._names[node.id]
        variables += [variable for variable in self._universals if variable.name not in known]
        checked = 0
        seen: set[Term] = set()
        kore = App('\\and', ('SortGeneratedTopCell{}',), (pattern, _conjunction(predicates))) if predicates else None
        for values in self._assignments(variables, predicates, kore):
            state = self._state(pattern, predicates, values)
            if state is None or (state in seen and not self._universals):
                continue
            seen.add(state)
            self._good.append(values)
            self._found.counts['instances'] += 1
            self._instance(Instance(node, values, state, True), variables, follow)
            if whole and not self._found.enough:
                self._whole(Instance(node, values, state, True), variables)
            checked += 1
            if checked >= self._instances or self._found.enough:
                return

    def _state(self, pattern: Term, predicates: Sequence[Term], values: Mapping[str, Term]) -> Term | None:
        """The state of a node for some values, if the condition holds and it has a value; counted if not."""
        try:
            self._evaluator.fuel = FUEL
            if not self._evaluator.all_hold(predicates, values):
                self._found.counts['rejected'] += 1
                return None
            return self._evaluator.value(pattern, values)
        except NoValue:
            self._found.counts['no-value'] += 1
        except Undecided as err:
            self._found.undecided(err)
        return None

    def _instance(self, first: Instance, variables: Sequence[Var], follow: bool) -> None:
        """Check an instance of a node, and those that it leads to."""
        waiting = [first]
        steps = 0
        while waiting and not self._found.enough and time.monotonic() < self._ends:
            instance = waiting.pop()
            try:
                reached = self._check(instance, variables)
            except Undecided as err:
                self._found.undecided(err)
                continue
            steps += 1
            if follow and steps <= STEPS:
                waiting += [other for other in reached if other.node.kind not in ('', 'target')]

    def _check(self, instance: Instance, variables: Sequence[Var]) -> list[Instance]:
        """Hold an instance of a node against what the graph says follows. Returns what it leads to."""
        node = instance.node
        if node.kind == 'edge':
            return self._edge(instance, variables)
        if node.kind == 'ndbranch':
            return self._ndbranch(instance, variables)
        if node.kind == 'split':
            return self._split(instance, variables)
        if node.kind == 'cover':
            return self._cover(instance, variables)
        if node.kind in ('vacuous', 'refuted'):
            self._report(instance, variables, f'the node is {node.kind}, but this state is an instance of it', None)
        return []

    def _edge(self, instance: Instance, variables: Sequence[Var]) -> list[Instance]:
        node = instance.node
        (end,) = node.targets
        bound = node.depth if node.exact else max(STEPS, node.depth)
        reached: list[Instance] = []
        unknown: Undecided | None = None
        states, seen = [instance.state], {instance.state}
        for step in range(bound):
            following: list[Term] = []
            for state in states:
                after = self._rewriter.following(state)
                if not after.states:
                    if self._is_end(state, instance.values):
                        continue
                    if node.exact or not self._trusted:
                        self._report(instance, variables, _stuck(step, after.ended, f'node {end}'), state)
                    else:  # a claim that is assumed may be what leads on
                        self._found.counts['trusted'] += 1
                    return []
                for each in after.states:
                    try:
                        found = self._as_instance(end, each, instance.values)
                    except Undecided as err:
                        unknown = err
                        continue
                    if found is not None:
                        reached.append(found)
                    elif each not in seen:
                        seen.add(each)
                        following.append(each)
            states = following
            if not states:
                break
            if len(states) > PATHS or time.monotonic() > self._ends:
                self._found.counts['bounded'] += 1
                states = []
                break
        if states and node.exact:
            self._report(instance, variables, f'after {bound} rewrite steps it is no instance of node {end}', states[0])
            return []
        if states:
            self._found.counts['bounded'] += 1
        if instance.generated and node.exact:
            self._on_server(instance, variables, node.targets, node.depth)
        if unknown is not None:
            raise unknown
        return reached

    def _ndbranch(self, instance: Instance, variables: Sequence[Var]) -> list[Instance]:
        node = instance.node
        after = self._rewriter.following(instance.state)
        if not after.states and not self._is_end(instance.state, instance.values):
            if node.exact or not self._trusted:
                self._report(instance, variables, _stuck(0, after.ended, 'a branch'), instance.state)
            else:
                self._found.counts['trusted'] += 1
            return []
        reached: list[Instance] = []
        for state in after.states:
            others = self._one_of(node.targets, state, instance.values)
            if not others:
                what = f'a state after it is no instance of {_nodes(node.targets)}'
                if node.exact:
                    self._report(instance, variables, what, state)
                    return []
                self._found.counts['bounded'] += 1
            reached += others
        if instance.generated and node.exact:
            self._on_server(instance, variables, node.targets, 1)
        return reached

    def _split(self, instance: Instance, variables: Sequence[Var]) -> list[Instance]:
        found = self._one_of(instance.node.targets, instance.state, instance.values)
        if not found:
            what = f'it is an instance of none of the branches, {_nodes(instance.node.targets)}'
            self._report(instance, variables, what, None)
        return found

    def _cover(self, instance: Instance, variables: Sequence[Var]) -> list[Instance]:
        (covering,) = instance.node.targets
        try:
            found = self._as_instance(covering, instance.state, self._universal(instance.values))
        except Undecided:
            found = None
            if not self._is_target_without_value(covering, instance):
                raise
        if found is not None:
            return [replace(found, values={**instance.values, **found.values})]
        if not self._is_target_without_value(covering, instance):
            self._report(instance, variables, f'it is no instance of node {covering}, which covers its node', None)
        return []

    def _universal(self, values: Mapping[str, Term]) -> dict[str, Term]:
        """The values of the variables in which the claim is universal."""
        universal = {variable.name for variable in self._universals}
        return {name: value for name, value in values.items() if name in universal}

    def _is_target_without_value(self, covering: str, instance: Instance) -> bool:
        """Whether the claim assumes that its target has a value, and a part of it has none here."""
        if not self._assume_defined:
            return False
        values = self._universal(instance.values)
        return any(self._lacks_value(term, values) for term in self._terms(covering))

    def _lacks_value(self, term: Term, values: Mapping[str, Term]) -> bool:
        """Whether a part of a pattern, as far as its variables have values, has none or cannot be told to have one."""
        if not isinstance(term, App):
            return False
        if not term.name.startswith('\\') and not unbound([term], values):
            try:
                self._evaluator.value(term, values)
            except (NoValue, Undecided):
                return True
            return False
        return any(self._lacks_value(arg, values) for arg in term.args)

    def _one_of(self, nodes: Sequence[str], state: Term, values: Mapping[str, Term]) -> list[Instance]:
        """The state as an instance of the nodes that it is one of. Raises `Undecided` if that of none is sure."""
        found: list[Instance] = []
        unknown: Undecided | None = None
        for node in nodes:
            try:
                instance = self._as_instance(node, state, values)
            except Undecided as err:
                unknown = err
                continue
            if instance is not None:
                found.append(instance)
        if not found and unknown is not None:
            raise unknown
        return found

    def _as_instance(self, node: str, state: Term, values: Mapping[str, Term]) -> Instance | None:
        """The state as an instance of a node, whose variables that have values keep them."""
        pattern, predicates = self._patterns[node]
        given = {name: value for name, value in values.items() if name in self._names[node]}
        for found in self._rewriter.instances(pattern, predicates, state, given):
            return Instance(self._graph[node], {**values, **found}, state, False)
        return None

    def _is_end(self, state: Term, values: Mapping[str, Term]) -> bool:
        """Whether a state without a successor is an instance of the target."""
        return self._as_instance(self._target, state, self._universal(values)) is not None

    def _whole(self, instance: Instance, variables: Sequence[Var]) -> None:
        """Run an instance of the initial state to the end of the claim, whatever the graph says."""
        values = instance.values
        states, seen = [instance.state], {instance.state}
        try:
            for step in range(STEPS):
                following: list[Term] = []
                for state in states:
                    if self._is_end(state, values):
                        continue
                    after = self._rewriter.following(state)
                    if not after.states:
                        what = _stuck(step, after.ended, 'the target')
                        if not (self._assume_defined and self._is_target_without_value(self._target, instance)):
                            self._contradict(
                                instance.node.id, 'claim', what, instance.state, instance.values, variables, state
                            )
                        return
                    following += [each for each in after.states if each not in seen]
                    seen.update(after.states)
                states = following
                if not states:
                    self._found.counts['runs'] += 1
                    return
                if len(states) > PATHS or time.monotonic() > self._ends:
                    break
        except Undecided as err:
            self._found.undecided(err)
            return
        self._found.counts['bounded'] += 1

    def _on_server(self, instance: Instance, variables: Sequence[Var], ends: Sequence[str], depth: int) -> None:
        """Let the server run the instance: where it ends must be in the graph, too."""
        try:
            result = self._client.execute(self._pattern(instance.state), max_depth=depth)
        except (KoreClientError, BackendError):
            return
        self._found.counts['server-runs'] += 1
        if result.reason is StopReason.VACUOUS or result.depth != depth - bool(result.next_states):
            return  # the interpreter has said what there is to say
        for state in result.next_states or (result.state,):
            value = self._evaluated(read_pattern(state.kore.text))
            if value is None:
                continue
            try:
                if self._one_of(ends, value, instance.values) or self._is_end(value, instance.values):
                    continue
            except Undecided:
                continue
            what = f'executed on the server, it comes to a state that is no instance of {_nodes(ends)}'
            self._report(instance, variables, what, value)
            return

    def _evaluated(self, term: Term) -> Term | None:
        pattern, predicates, _ = split(term)
        if pattern is None:
            return None
        try:
            self._evaluator.fuel = FUEL
            return self._evaluator.value(pattern, {}) if self._evaluator.all_hold(predicates, {}) else None
        except (NoValue, Undecided):
            return None

    # -- instances ----------------------------------------------------------------------------------------------

    def _prepare(self, node: str, terms: Iterable[Term]) -> None:
        """A generator of its own for each node, so that its instances are the same in whatever order they are made."""
        self._rng = random.Random(f'{self._seed}/{node}/near')
        self._good.clear()
        literals = [part for term in terms for part in subterms(term) if isinstance(part, DV)]
        self._generator = Generator(self._evaluator, random.Random(f'{self._seed}/{node}'), literals)

    def _assignments(
        self, variables: Sequence[Var], predicates: Sequence[Term], kore: Term | None
    ) -> Iterator[Mapping[str, Term]]:
        """Values for the variables: solver models first, then generated ones; without variables just one."""
        if not variables:
            yield {}
            return
        if kore is not None:
            for model in self._models(kore):
                self._good.append(model)
                try:
                    yield self._generator.instance(variables, model)
                except NoSuchValue:
                    break
        for _ in range(self._instances * ATTEMPTS):
            if time.monotonic() > self._ends:
                self._found.counts['bounded'] += 1
                return
            try:
                yield self._generator.instance(variables, self._near(variables))
            except NoSuchValue as err:
                self._found.undecided(Undecided(str(err)))
                return

    def _near(self, variables: Sequence[Var]) -> Mapping[str, Term]:
        """Values of an earlier instance without one or two of them, or nothing: most of a condition stays true then."""
        rng = self._rng
        if not self._good or rng.random() < 0.5:
            return {}
        values = dict(rng.choice(self._good))
        for variable in rng.sample(list(variables), min(len(variables), rng.randint(1, 2))):
            values.pop(variable.name, None)
        return values

    def _models(self, kore: Term) -> Iterator[dict[str, Term]]:
        """Values with which a condition holds, as the solver says; each another one than those before."""
        asked = kore
        for _ in range(min(MODELS, self._instances)):
            try:
                result = self._client.get_model(self._pattern(asked), self._module)
            except (KoreClientError, BackendError):
                return
            if not isinstance(result, SatResult) or result.model is None:
                return
            values: dict[str, Term] = {}
            differs: list[Term] = []
            for part in _equalities(read_pattern(result.model.text)):
                variable, value = part.args
                if isinstance(variable, Var) and isinstance(value, DV):
                    values[variable.name] = value
                    differs.append(App('\\equals', part.sorts, (variable, value)))
            if not values:
                return
            yield values
            sort = 'SortGeneratedTopCell{}'
            other = App('\\not', (sort,), (_conjunction(differs),))
            asked = App('\\and', (sort,), (asked, other))

    def _some(self, sort: str) -> Term:
        return self._generator.some(sort)

    def _optional(self, term: Term, values: Mapping[str, Term]) -> Term | None:
        try:
            return self._evaluator.value(term, values)
        except NoValue:
            return None

    # -- the server ---------------------------------------------------------------------------------------------

    def _ask(self, application: App) -> Term | None:
        """What the server makes of a builtin function applied to values."""
        if application not in self._asked:
            self._asked[application] = self._simplified(application)
        return self._asked[application]

    def _simplified(self, application: App) -> Term | None:
        try:
            simplified = self._client.simplify(self._pattern(application)).state
        except (KoreClientError, BackendError):
            return None
        term, predicates, exists = split(read_pattern(simplified.text))
        if predicates == () and not exists and term is not None:
            return term
        if any(isinstance(part, App) and part.name == '\\bottom' for part in predicates):
            return App('\\bottom', (), ())
        return None

    # -- terms --------------------------------------------------------------------------------------------------

    def _kore(self, term: KInner) -> Term:
        return read_pattern(self._definition.converter.kast_to_kore(term).text)

    def _pattern(self, term: Term) -> Any:
        return KoreParser(write(term, self._ground)).pattern()

    def _text(self, value: Term) -> str:
        return self._explore.pretty_print(self._definition.converter.kore_to_kast(self._pattern(value)))

    def _report(self, instance: Instance, variables: Sequence[Var], what: str, reached: Term | None) -> None:
        self._contradict(
            instance.node.id, instance.node.kind, what, instance.state, instance.values, variables, reached
        )

    def _contradict(
        self,
        node: str,
        kind: str,
        what: str,
        state: Term | None,
        values: Mapping[str, Term],
        variables: Sequence[Var],
        reached: Term | None = None,
    ) -> None:
        if any(entry['node'] == node and entry['what'] == what for entry in self._found.contradictions):
            return
        self._found.contradictions.append(
            {
                'node': int(node),
                'kind': kind,
                'what': what,
                'state': '' if state is None else self._text(state),
                'kore': '' if state is None else write(state, self._ground),
                'values': {
                    variable.name.removeprefix('Var'): self._text(values[variable.name])
                    for variable in variables
                    if variable.name in values
                },
                'reached': '' if reached is None or reached is state else self._text(reached),
            }
        )


def _conjunction(predicates: Sequence[Term]) -> Term:
    sort = 'SortGeneratedTopCell{}'
    found: Term = App('\\top', (sort,), ())
    for predicate in reversed(predicates):
        found = App('\\and', (sort,), (predicate, found))
    return found


def _equalities(pattern: Term) -> Iterator[App]:
    if isinstance(pattern, App):
        if pattern.name == '\\equals':
            yield pattern
        elif pattern.name == '\\and':
            for arg in pattern.args:
                yield from _equalities(arg)


def _stuck(steps: int, ended: Sequence[str], wanted: str) -> str:
    why = f': {ended[0]}' if ended else ', for no rule applies'
    if steps == 0:
        return f'nothing follows it{why}; it does not come to {wanted}'
    return f'nothing follows after {steps} rewrite steps{why}; it does not come to {wanted}'


def _nodes(nodes: Sequence[str]) -> str:
    return f'node {nodes[0]}' if len(nodes) == 1 else f'nodes {", ".join(nodes)}'


__all__ = ['GroundDefinitions', 'check_instances', 'free_vars']
