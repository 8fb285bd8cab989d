"""The reports of one run: its record, the folder they are written to, and the command that is run at its end."""

from __future__ import annotations

import platform
from dataclasses import fields
from importlib.metadata import version
from typing import TYPE_CHECKING

from kprover import __version__
from kprover.engine import Interrupted
from kprover.report.folder import PAGE, SUMMARY, ReportFolder, last_run
from kprover.report.hook import run_hook
from kprover.report.record import Facts, RunRecord
from kprover.store import StoreReader

from .workspace import from_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from kprover.engine import Observer
    from kprover.report.page.proofs import PackedProofs
    from kprover.settings import Settings
    from kprover.suites import Claim

    from .workspace import Workspace


class Reports:
    """A context around a run. Its `observers` go before those that show the run: the files are there when these end."""

    def __init__(self, space: Workspace, claims: Iterable[Claim], tell: Callable[[str], None]):
        """
        Args:
            tell: Takes what could not be written or run, for the user.
        """
        self.folder = space.settings.report_folder
        self._settings = space.settings
        self._tell = tell
        self.record = RunRecord(_facts(space, claims), previous=last_run(self.folder))
        self.observers: tuple[Observer, ...] = (
            self.record,
            ReportFolder(self.folder, self.record, live={PAGE: _page_maker(space.config.store)}, tell=tell),
        )

    def __enter__(self) -> Reports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Run the configured command, if the run has come so far that there is a final summary."""
        command, seconds = self._settings.on_end, self._settings.on_end_timeout
        if not command or not self.record.final:
            return
        if isinstance(error, Interrupted):
            seconds = min(seconds, self._settings.grace)  # whoever interrupts wants it to end
        problem = run_hook(command, self.folder / SUMMARY, seconds)
        if problem:
            self._tell(problem)


def _page_maker(store: Path) -> Callable[[RunRecord], bytes]:
    """Makes the page from the record and the proofs in the store; those that have not changed are not read again."""
    packed: list[PackedProofs] = []

    def page(record: RunRecord) -> bytes:
        from kprover.report.page import render
        from kprover.report.page.proofs import PackedProofs

        packed.extend([] if packed else [PackedProofs()])
        with StoreReader(store) as reader:
            return render(record, reader, packed=packed[0]).encode('utf-8', errors='backslashreplace')

    return page


def _facts(space: Workspace, claims: Iterable[Claim]) -> Facts:
    backend = space.ledger.backend
    return Facts(
        suites=tuple(from_here(suite.path) for suite in space.suites),
        store=from_here(space.config.store),
        backend=backend.source,
        identity=backend.identity,
        look=space.look,
        depends={claim.name: claim.depends for claim in claims if claim.depends},
        versions={'kprover': __version__, 'pyk': version('kframework'), 'python': platform.python_version()},
        settings=_changed(space.settings),
        host=platform.node(),
    )


def _changed(settings: Settings) -> dict[str, str]:
    """The settings that are not at their defaults; what servers are given in their environment may be secret."""
    return {
        field.name: str(getattr(settings, field.name))
        for field in fields(settings)
        if getattr(settings, field.name) != field.default and field.name not in ('server_env', 'on_end')
    }
