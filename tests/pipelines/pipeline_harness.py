"""Runs the real commands in a folder of their own: Luigi, the engine, its workers and embedded servers."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import psutil
import pytest

from kprover import cli
from kprover.engine import RunConfig, status
from kprover.report import status_json
from kprover.store import StoreReader
from kprover.suites import load_suites

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

BIN = Path(sys.executable).parent
TIMEOUT = 120.0
"""Seconds that one command may take; a guard, not a measurement."""


class Commands:
    """A folder with a store of its own, and the commands run in it."""

    def __init__(self, folder: Path, project: Path):
        self.folder = folder
        self.project = project
        self.store = folder / '.kprover' / 'store.sqlite'
        self._mark = uuid.uuid4().hex
        backend = folder / 'backend.cfg'
        backend.write_text('[kprover]\nbackend = embedded\nworkers = 1\n', encoding='utf-8')
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(('LUIGI_', 'COLUMNS'))},
            'PATH': f'{BIN}{os.pathsep}{os.environ.get("PATH", "")}',
            # In force over any luigi.cfg: the tests are about the embedded server, whatever else is installed, and
            # start no more processes on a machine of many cores.
            'LUIGI_CONFIG_PATH': str(backend),
            # Every process that a command starts inherits this; see `processes`.
            'KPROVER_TEST_MARK': self._mark,
        }

    def suite(self, language: str, name: str, claims: Sequence[str], *, file: str = 'suite.toml') -> Path:
        """A suite with some claims of an example suite `file`, and its options."""
        source = self.project / 'examples' / language
        lines = []
        for line in (source / file).read_text(encoding='utf-8').splitlines():
            if line.startswith('name ='):
                line = f'name = {json.dumps(name)}\ninclude = {json.dumps(list(claims))}'
            lines.append(
                line.replace('"specs/', f'"{source}/specs/').replace('"kompiled"', json.dumps(str(source / 'kompiled')))
            )
        path = self.folder / f'{name}.toml'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return path

    def luigi(
        self, *arguments: str | Path, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`luigi --module pipelines ARGUMENTS`, to its end; in the folder, or in `cwd`."""
        return subprocess.run(
            [str(BIN / 'luigi'), '--module', 'pipelines', *map(str, arguments)],
            cwd=cwd or self.folder,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def kprover(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`kprover ARGUMENTS`, to its end; in this process, which has loaded what a command would load first."""
        from luigi.configuration import LuigiConfigParser

        words = list(map(str, arguments))
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self._environment, clear=True),
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.chdir(self.folder)
            # Luigi reads its configuration once in a process, and the environment when it is imported.
            patch.setattr(LuigiConfigParser, '_instance', None)
            patch.setattr(LuigiConfigParser, '_config_paths', ['luigi.cfg', self._environment['LUIGI_CONFIG_PATH']])
            code = cli.main(words)
        return subprocess.CompletedProcess(['kprover', *words], code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """`luigi --module pipelines ARGUMENTS`, started in a session of its own."""
        return subprocess.Popen(
            [str(BIN / 'luigi'), '--module', 'pipelines', *map(str, arguments)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def status(self, *suites: Path) -> dict[str, Any]:
        """What `kprover status --json` says of some suites, without a process for it."""
        found = status(load_suites(suites), RunConfig(store=self.store, backend='embedded'))
        data = json.loads(json.dumps(status_json(found)))
        assert isinstance(data, dict)
        return data

    def statuses(self, *suites: Path) -> dict[str, str]:
        """The status of each claim."""
        return {claim['label']: claim['status'] for claim in self.status(*suites)['claims']}

    def steps(self) -> dict[str, dict[str, Any]]:
        """All finished steps by key. A step that is made again differs in the seconds it took."""
        with StoreReader(self.store) as reader:
            return {key: record.header for key, record in reader.scan('step:')}

    def number_of_steps(self) -> int:
        """How many steps are finished, quickly: for waiting."""
        if not self.store.exists():
            return 0
        with StoreReader(self.store) as reader:
            return sum(1 for _ in reader.keys('step:'))

    def processes(self) -> list[psutil.Process]:
        """The living processes that commands of this folder have started, directly or not."""
        found = []
        for process in psutil.process_iter():
            try:
                if (
                    process.environ().get('KPROVER_TEST_MARK') == self._mark
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_all(self) -> None:
        """For the end of a test, however it went."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.Error:
                continue


def wait_until(condition: Callable[[], object], *, seconds: float = 60.0, what: str) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f'{what}: not within {seconds:g} s'
        time.sleep(0.02)
