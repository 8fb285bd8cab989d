"""The configuration section `[kprover]` as Luigi sees it: each key is also an option, as in `--kprover-workers 8`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import luigi

from kprover.settings import read_settings, split_suites

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from kprover.settings import Settings


class _Append(argparse.Action):
    """Collects a repeated option into one text with a line for each, where argparse would keep the last only."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f'{before}\n{values}' if before else values)


class NamesParameter(luigi.Parameter[tuple[str, ...]]):
    """A tuple of names or paths: comma-separated, or the option repeated. A comma in a name is written `\\,`."""

    def parse(self, x: str) -> tuple[str, ...]:
        return split_suites(x)

    def serialize(self, x: tuple[str, ...]) -> str:
        return ('\n' if any(name.endswith('\\') for name in x) else ',').join(name.replace(',', r'\,') for name in x)

    @classmethod
    def _parser_kwargs(cls, param_name: str, task_name: str | None = None) -> dict[str, Any]:
        luigis: dict[str, Any] = super()._parser_kwargs(param_name, task_name)  # type: ignore[no-untyped-call]
        return {**luigis, 'action': _Append}


class kprover(luigi.Config):
    """How claims are proved. An empty value leaves a key to luigi.cfg, then to its default."""

    suites = NamesParameter(default=(), description='suite files that are proved when no --suite is given')
    store = luigi.Parameter(default='', description='file of the checkpoint store; default: .kprover/store.sqlite')
    workers = luigi.Parameter(default='', description='step workers; default: one per core')
    servers = luigi.Parameter(
        default='', description='servers alive at once, or HOST:PORT,... of running ones; default: as many as workers'
    )
    backend = luigi.Parameter(
        default='',
        description='auto (default), kore-rpc-booster, kore-rpc, embedded, the path of a server program, or HOST:PORT',
    )
    backend_identity = luigi.Parameter(default='', description='what running servers are: program, version, options')
    server_args = luigi.Parameter(default='', description='further arguments for every server')
    server_env = luigi.Parameter(default='', description='further environment for every server: NAME=VALUE ...')
    memory = luigi.Parameter(default='', description="bytes for all servers, as 12G; default: 0.9 of the machine's")
    server_memory = luigi.Parameter(default='', description='bytes for one server, as 4G; default: no limit')
    server_modules = luigi.Parameter(
        default='', description='added modules with which an idle server is replaced; default: 2000'
    )
    hang_timeout = luigi.Parameter(
        default='', description='seconds without work after which a server is dead; default: 120, 0: never'
    )
    attempts = luigi.Parameter(default='', description='tries of a step that takes down its server; default: 3')
    # A Config is a Task, whose own `priority` is a number for the scheduler; a Config is never scheduled.
    priority = luigi.Parameter(  # type: ignore[assignment]
        default='', description='module:callable that orders the ready steps, least first'
    )
    grace = luigi.Parameter(default='', description='seconds for running steps after an interrupt; default: 5')
    time_budget = luigi.Parameter(default='', description='seconds that the run may take; default: no limit')
    step_target = luigi.Parameter(
        default='', description='seconds that a request should take: depths adapt to it; 0: they do not'
    )
    fail_fast = luigi.Parameter(
        default='', description='no (default), claim: a proof ends at its first failing node, run: the run does so'
    )
    report = luigi.Parameter(default='', description='folder of the reports of a run; default: report beside the store')
    report_url = luigi.Parameter(default='', description="address of that folder, for links in Luigi's visualiser")
    on_end = luigi.Parameter(default='', description='command run at the end, with the JSON summary on standard input')
    on_end_timeout = luigi.Parameter(default='', description='seconds that this command may take; default: 60')
    reuse = luigi.Parameter(
        default='',
        description='reuse (default), refresh: make all again, verify: make a share again and compare, '
        'enforce: make nothing, what is not in the store is an error',
    )
    verify_share = luigi.Parameter(default='', description='part of the reused steps that verify makes; default: 0.1')

    verify_instances = luigi.Parameter(
        default='', description='instances of each node that a passed proof is held against; default: 0, none'
    )

    def settings(self) -> Settings:
        """The settings of this command. Raises `SettingsError`."""
        texts = {name: parameter.serialize(getattr(self, name)) for name, parameter in self.get_params()}
        return read_settings({name: text for name, text in texts.items() if text})
