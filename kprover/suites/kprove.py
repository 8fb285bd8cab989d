"""Specs in K's own syntax: parsed by K's `kprove`, once, and kept by their content.

What a parse depends on is in the name of the file that keeps it: the spec and all that it requires, the definition,
the options and the version of kprove. An edit of any of them is another file, so an old parse is never used for it.
Where there is no kprove, a parse of the same content that is there already will do, whichever version made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .digests import file_digest
from .errors import SuiteError
from .requires import required_files
from .specs import claims_elsewhere, modules_of, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType
    from typing import Final

    from .preparation import Preparation

SUFFIXES: Final = ('.k', '.md')
"""Of the files that are parsed by kprove; others are JSON."""

VERSION_SECONDS: Final = 60.0
"""How long `kprove --version` may take."""

_FORMAT: Final = 1
_POLL: Final = 0.05
_SHOWN: Final = 20_000

_WITHOUT_K: Final = (
    'install the K framework (https://github.com/runtimeverification/k), or name the program as kprove.program, or '
    'write the JSON where K is installed, `kprove {name} --definition {kompiled} --dry-run --emit-json-spec '
    '{stem}.json`, and name that file in specs'
)


@dataclass(frozen=True)
class KProve:
    """How a suite has its K specs parsed.

    Attributes:
        program: `kprove`, or the path of it.
        include: Folders in which required files are looked for.
        spec_modules: The module of a spec file, by its name, where it is not the file's name in capitals.
        md_selector: Which code blocks of a Markdown file count; K's default if empty.
        args: Further arguments.
        timeout: Seconds that one spec may take.
        jobs: How many specs are parsed at once; each takes a Java machine with its memory.
    """

    program: str = 'kprove'
    include: tuple[Path, ...] = ()
    spec_modules: Mapping[str, str] = field(default_factory=dict)
    md_selector: str = ''
    args: tuple[str, ...] = ()
    timeout: float = 1800.0
    jobs: int = 1

    def words(self, spec: Path) -> list[str]:
        """The arguments that may change what a spec is parsed to, but for the definition and the folders."""
        module = self.spec_modules.get(spec.name)
        words = ['--spec-module', module] if module else []
        words += ['--md-selector', self.md_selector] if self.md_selector else []
        return [*words, '--allow-rules', *self.args]

    def paths(self, spec: Path) -> list[Path]:
        """The files and folders that `args` names, seen from where kprove runs: `-I lib`, `-Ilib`, `-I=lib`."""
        names = (name for word in self.args for name in (word, word.partition('=')[2], word.removeprefix('-I')) if name)
        return [path for path in (spec.parent / name for name in names) if path.exists()]


@dataclass(frozen=True)
class _Parse:
    """One spec to be parsed into `target`; `content` is the digest of all that it is made of."""

    spec: Path
    target: Path
    content: str


def parsed_specs(
    suite: Path,
    specs: Iterable[Path],
    kprove: KProve,
    *,
    kompiled: Path,
    definition: str,
    preparation: Preparation,
) -> tuple[dict[Path, Path], tuple[str, ...]]:
    """The JSON of each spec, and what should be said of it.

    Args:
        suite: The suite file, for messages.
        specs: K sources.
        kompiled: The folder that kompile made, with all that kprove needs of it.
        definition: Digest of the definition.

    Raises:
        SuiteError: kprove is missing, refuses a spec (its output is in the text), or takes too long.
    """
    specs = tuple(specs)
    if not specs:
        return {}, ()
    contents = {spec: _content(spec, kprove, definition) for spec in specs}
    folder = preparation.cache.absolute() / 'specs'
    program = shutil.which(kprove.program)
    if program is None:
        return _parsed_before(suite, contents, folder, kprove, kompiled)
    if not preparation.runs:
        return _parsed_before(suite, contents, folder, kprove, kompiled)
    version = _version(suite, program, preparation.cache.absolute())
    targets = {spec: folder / f'{spec.stem}-{digest}-{version[:12]}.json' for spec, digest in contents.items()}
    missing = [_Parse(spec, target, contents[spec]) for spec, target in targets.items() if not target.is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _parse_all(missing, program, kprove, kompiled, definition, preparation)
    return targets, ()


def _parsed_before(
    suite: Path, contents: Mapping[Path, str], folder: Path, kprove: KProve, kompiled: Path
) -> tuple[dict[Path, Path], tuple[str, ...]]:
    targets = {}
    for spec, digest in contents.items():
        found = sorted(folder.glob(f'{spec.stem}-{digest}-*.json'), key=lambda path: path.stat().st_mtime)
        if not found:
            raise SuiteError(
                suite,
                'specs',
                f"{spec} is in K's syntax, and there is no program '{kprove.program}' on PATH to parse it",
                _WITHOUT_K.format(name=spec.name, kompiled=kompiled, stem=spec.stem),
            )
        targets[spec] = found[-1]
    return targets, (f"{suite.name}: no '{kprove.program}' on PATH; the specs are as they were parsed before",)


def _content(spec: Path, kprove: KProve, definition: str) -> str:
    try:
        named = kprove.paths(spec)
        files = required_files(spec, (*kprove.include, *(path for path in named if path.is_dir())))
        files |= {f'argument {path}': file_digest(path) for path in named if path.is_file()}
    except OSError as error:
        raise SuiteError(spec, '', f'{error.filename} cannot be read: {error.strerror}', 'name a file') from error
    fields = {'format': _FORMAT, 'files': list(files.items()), 'definition': definition, 'words': kprove.words(spec)}
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:32]


# -- running kprove ------------------------------------------------------------------------------------------


def _version(suite: Path, program: str, cache: Path) -> str:
    """SHA-256 (hex) of what `kprove --version` prints; a program that has not changed is asked once."""
    path = Path(program).resolve()
    status = path.stat()
    stamp = f'{path} {status.st_mtime_ns} {status.st_size}'
    known_by = cache / 'kprove-versions' / hashlib.sha256(stamp.encode()).hexdigest()[:32]
    try:
        return known_by.read_text(encoding='ascii')
    except OSError:
        pass
    with tempfile.TemporaryDirectory(prefix='kprover-') as scratch:
        run = _Run([program, '--version'], Path.cwd(), Path(scratch))
        code = run.finish(VERSION_SECONDS)
        output = run.output()
    if code != 0 or not output.strip():
        ending = f'gave no answer within {VERSION_SECONDS:g} seconds' if code is None else f'ended with code {code}'
        raise SuiteError(
            suite, 'kprove.program', f'`{program} --version` {ending}', f'install K again; it says:\n{output}'
        )
    version = hashlib.sha256(output.encode()).hexdigest()
    known_by.parent.mkdir(parents=True, exist_ok=True)
    aside = known_by.with_suffix(f'.{os.getpid()}')
    aside.write_text(version, encoding='ascii')
    aside.replace(known_by)
    return version


def _parse_all(
    parses: list[_Parse], program: str, kprove: KProve, kompiled: Path, definition: str, preparation: Preparation
) -> None:
    """Parse the specs, `kprove.jobs` at a time. The first that fails ends the others; what is done is kept."""
    pending = list(reversed(parses))
    running: list[tuple[_Parse, _Run]] = []
    folder = parses[0].target.parent
    with tempfile.TemporaryDirectory(prefix='.new-', dir=folder) as scratch, _ended_by_sigterm():
        try:
            while pending or running:
                while pending and len(running) < kprove.jobs:
                    parse = pending.pop()
                    preparation.tell(f'{parse.spec}: parsing with {program}')
                    own = Path(scratch) / f'{len(pending)}'
                    own.mkdir()
                    command = _command(program, parse.spec, kprove, kompiled, own)
                    running.append((parse, _Run(command, parse.spec.parent, own)))
                for parse, run in list(running):
                    if run.ended or run.seconds > kprove.timeout:
                        running.remove((parse, run))
                        _keep(parse, run, kprove, definition)
                        preparation.tell(f'{parse.spec}: parsed in {run.seconds:.0f} s')
                if running:
                    running[0][1].wait(_POLL)
        finally:
            for _, run in running:
                run.kill()


def _command(program: str, spec: Path, kprove: KProve, kompiled: Path, own: Path) -> list[str]:
    folders = [word for folder in kprove.include for word in ('-I', str(folder))]
    return [
        program,
        str(spec),
        *('--definition', str(kompiled)),
        '--dry-run',
        *('--emit-json-spec', str(own / 'spec.json')),
        *('--temp-dir', str(own)),
        *folders,
        *kprove.words(spec),
    ]


def _keep(parse: _Parse, run: _Run, kprove: KProve, definition: str) -> None:
    """Put what a run has made in its place. Raises `SuiteError` if it has made nothing, or not in time."""
    made = run.folder / 'spec.json'
    if not run.ended:
        run.kill()
        raise SuiteError(
            parse.spec,
            '',
            f'kprove did not end within {kprove.timeout:g} seconds',
            f'allow more by kprove.timeout in the suite file, or look at what it said:\n{run.output()}',
        )
    if run.code != 0 or not made.is_file():
        missing = '' if made.is_file() else ', without a spec in JSON'
        named = kprove.spec_modules.get(parse.spec.name, parse.spec.stem.upper())
        there = modules_of(parse.spec)
        hint = f'this is what it said:\n{run.output()}'
        if named not in there and (elsewhere := claims_elsewhere(parse.spec, ())):
            hint = f'{elsewhere}; {hint}'
        raise SuiteError(parse.spec, '', f'kprove ended with code {run.code}{missing}', hint)
    read_modules(made)
    if _content(parse.spec, kprove, definition) != parse.content:
        raise SuiteError(
            parse.spec, '', 'it, or a file that it requires, was edited while kprove read it', 'run the command again'
        )
    made.replace(parse.target)


class _Run:
    """A program that runs in a process group of its own, its output in a file in `folder`."""

    def __init__(self, command: list[str], cwd: Path, folder: Path):
        self.folder = folder
        self._log = folder / 'output.txt'
        self._started = time.monotonic()
        with self._log.open('wb') as log:
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise SuiteError(
                    None, 'kprove', f'{command[0]} cannot be started: {error.strerror}', 'install K again'
                ) from error

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def finish(self, seconds: float) -> int | None:
        """The exit code, `None` if it had to be ended. It is ended, too, by an exception while it is waited for."""
        try:
            self.wait(seconds)
            return self.code
        finally:
            self.kill()

    def kill(self) -> None:
        """End it with all that it has started, if it has not ended."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            self._process.wait()

    def output(self) -> str:
        """What it has written, the beginning of it if that is very much."""
        return self._log.read_bytes()[:_SHOWN].decode('utf-8', 'replace').rstrip()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Make SIGTERM an exception, where it would end this process at once and leave kprove running."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
