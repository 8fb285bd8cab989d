"""The Luigi tasks. What they share is in `workspace`; how a command ends otherwise than by its claims, in `errors`."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shlex
import signal
import sys
from functools import cached_property
from typing import TYPE_CHECKING

import luigi
from luigi.parameter import ParameterVisibility

from .config import NamesParameter
from .errors import ProofFailed, ending_the_command
from .targets import AttemptTarget, StepTarget
from .workspace import from_here, workspace

if TYPE_CHECKING:
    from kprover.engine import Observer, RunConfig, RunSummary

    from .workspace import Workspace

__all__ = ['ProofFailed', 'ProofStep', 'ProveAll', 'ProveClaim', 'RunClaims']

SUITE = 'suite file; may be repeated or comma-separated; default: [kprover] suites of luigi.cfg'
NAMED = 5
"""At most so many claims are named in one message."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ProveAll(luigi.Task):
    """Prove all claims of the suites."""

    suite = NamesParameter(default=(), description=SUITE)

    def requires(self) -> list[luigi.Task]:
        with ending_the_command():
            claims = workspace(self.suite).chosen(())
        verdicts = [ProveClaim(claim=claim.name, suite=self.suite, alone=False) for claim in claims]
        return [RunClaims(suite=self.suite, alone=False), *verdicts]

    def complete(self) -> bool:
        """Whether this command has run the engine and every claim has passed."""
        run, *claims = self.requires()
        return run.complete() and all(claim.complete() for claim in claims)

    def run(self) -> None:
        """Nothing: it has passed when its requirements have."""


class ProveClaim(luigi.Task):
    """One claim: done if it has passed, failed with the reason if not. By itself it proves that claim alone."""

    claim = luigi.Parameter(default='', description='suite/MODULE.label, or the label alone where it is unique')
    suite = NamesParameter(default=(), description=SUITE)
    alone = luigi.BoolParameter(
        default=True,
        significant=False,
        visibility=ParameterVisibility.PRIVATE,
        description='whether the engine proves this claim only, not all of the suites',
    )
    _told = False

    @cached_property
    def _space(self) -> Workspace:
        return workspace(self.suite)  # once for each task: a suite may have a thousand

    def requires(self) -> RunClaims:
        return RunClaims(suite=self.suite, claims=(self.claim,) if self.alone else (), alone=False)

    def complete(self) -> bool:
        """Whether the store says that the claim, as it is now, has passed.

        Where verdicts in the store are not just to be reused, what this command's own run has said of it counts.
        """
        with ending_the_command():
            space = self._space
            if space.config.reuse == 'reuse':
                passed = space.passed(self.claim)
                if passed and self.alone:
                    self._tell_once(space)
                return passed
            attempt = self.requires().output()
            return attempt.exists() and attempt.has_passed(space.full_name(self.claim))

    def run(self) -> None:
        with ending_the_command():
            space = self._space
            name = space.full_name(self.claim)
            if self.complete():
                return
            found = self.requires().output().read(name)
            reason = 'the engine did not report on it' if found is None else f'{found.status}: {found.reason}'
            raise ProofFailed(f'{name}: {reason}; see: {space.look} {shlex.quote(name)}')

    def _tell_once(self, space: Workspace) -> None:
        """Say that there is nothing to be done, where Luigi would say nothing; after a run its report has said it."""
        from kprover.report.text import claim_line

        if self._told or self.requires().output().exists():
            return
        self._told = True
        verdict = space.ledger.verdict(space.full_name(self.claim))
        if verdict is not None:
            print(
                f'on record already: {claim_line(verdict)}; see: {space.look} {shlex.quote(verdict.claim)}', flush=True
            )

    def on_failure(self, exception: BaseException) -> str:
        """The text that Luigi's visualiser shows for the task."""
        return str(exception)


class RunClaims(luigi.Task):
    """The engine: proves the claims, all of the suites if none are named.

    By itself it fails if one of them has not passed; where a task of each claim says that, it has only to come to its
    end.
    """

    suite = NamesParameter(default=(), description=SUITE)
    claims = NamesParameter(
        default=(), description='names of claims or patterns with *, !NAME leaves out; default: all'
    )
    alone = luigi.BoolParameter(
        default=True,
        significant=False,
        visibility=ParameterVisibility.PRIVATE,
        description='whether no other task says which claims have not passed',
    )

    @cached_property
    def _space(self) -> Workspace:
        return workspace(self.suite)

    def output(self) -> AttemptTarget:
        with ending_the_command():
            return AttemptTarget(self._space.config.store, self.task_id)

    def run(self) -> None:
        from .watch import failures_told

        target = self.output()
        with ending_the_command(), failures_told(self):
            summary = self.prove_and_record()
            target.write(summary)
            target.remove_at_exit()
            if self.alone and not summary.all_passed:
                raise ProofFailed(self._failed(summary))

    def _failed(self, summary: RunSummary) -> str:
        from kprover.report import headline
        from kprover.report.text import verdict_word

        bad = [claim for claim in summary.claims if claim.status.value != 'passed']
        named = ', '.join(f'{claim.claim} ({verdict_word(claim)})' for claim in bad[:NAMED])
        more = f' and {len(bad) - NAMED} more' if len(bad) > NAMED else ''
        return f'{headline(summary.claims)}; not passed: {named}{more}; see: {self._space.look}'

    def prove_and_record(self) -> RunSummary:
        """The run, after which the history has it."""
        from .recording import record_by_hand

        space = self._space
        return record_by_hand(space, lambda: self.prove(space.config))

    def claim_tasks(self) -> dict[str, luigi.Task]:
        """The task of each claim, by the claim's full name."""
        if self.claims:
            full_name = self._space.full_name
            named = [
                claim for claim in self._space.together(self.claims) if '*' not in claim and not claim.startswith('!')
            ]
            return {full_name(claim): ProveClaim(claim=claim, suite=self.suite) for claim in named}
        chosen = self._space.chosen(())
        return {claim.name: ProveClaim(claim=claim.name, suite=self.suite, alone=False) for claim in chosen}

    def prove(self, config: RunConfig, *watchers: Observer) -> RunSummary:
        """The run, with these settings of the engine; the watchers watch it with those of every run."""
        from kprover.audit.after_run import prove_and_hold
        from kprover.cli.deep import on_big_stack
        from kprover.engine import prove
        from kprover.report import Observers, reporter_for, run_console

        from .reporting import Reports
        from .watch import LuigiObserver, address_of

        space = self._space
        if multiprocessing.parent_process() is not None:
            _end_with_parent()
        reporter = reporter_for(
            run_console(),
            store=from_here(space.config.store),
            backend=space.ledger.backend.source,
            look=space.look,
            reports=from_here(space.settings.report_folder),
        )
        page = address_of(space.settings.report_folder, space.settings.report_url)
        luigis = LuigiObserver(self, self.claim_tasks(), page)
        claims = space.chosen(self.claims)
        try:
            with Reports(space, claims, reporter.notice) as reports:
                observers = Observers(*reports.observers, reporter, luigis, *watchers)
                if not space.settings.verify_instances:
                    return prove(space.suites, claims, config, observers)
                return prove_and_hold(
                    space.suites,
                    claims,
                    config,
                    observers,
                    space.ledger,
                    instances=space.settings.verify_instances,
                    deep=on_big_stack,
                )
        finally:
            luigis.close()
            reporter.close()


class ProofStep(luigi.Task):
    """One step of a claim's proof, done if its checkpoint is in the store; its run makes it on a server of its own.

    The engine makes steps without Luigi, whose scheduler is no match for thousands of tasks. This task is for looking
    at a step and for making one by hand: `kprover steps CLAIM` lists the keys.
    """

    claim = luigi.Parameter(default='', description='suite/MODULE.label, or the label alone where it is unique')
    key = luigi.Parameter(default='', description='key of the step')
    suite = NamesParameter(default=(), description=SUITE)
    _told = False

    def output(self) -> StepTarget:
        with ending_the_command():
            space = workspace(self.suite)
            space.check_step(space.full_name(self.claim), self.key)
            return StepTarget(space.config.store, self.key)

    def complete(self) -> bool:
        """Whether the store has the step."""
        found = self.output().exists()
        if found and not self._told:
            self._tell('on record already')
        return found

    def _tell(self, what: str) -> None:
        space = workspace(self.suite)
        name = space.full_name(self.claim)
        look = f'{space.look_by("steps")} {shlex.quote(name)} --key {self.key[:12]}'
        print(f'{what}: step {self.key[:12]} of {name}; see: {look}', flush=True)
        self._told = True

    def run(self) -> None:
        from kprover.engine import make_step

        with ending_the_command():
            space = workspace(self.suite)
            make_step(space.ledger, space.full_name(self.claim), self.key)
        self._tell('made')


def _end_with_parent() -> None:
    """Have the kernel interrupt this process, a fork of Luigi's, when Luigi is gone: the engine then ends orderly."""
    print(
        'kprover: Luigi runs tasks in processes of its own (--workers above 1), which gains nothing here; '
        '--kprover-workers is how many proof steps run at once',
        file=sys.stderr,
        flush=True,
    )
    if sys.platform != 'linux':
        return
    parent = multiprocessing.parent_process()
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl(PR_SET_PDEATHSIG)')
    if parent is not None and os.getppid() != parent.pid:
        os.kill(os.getpid(), signal.SIGTERM)
