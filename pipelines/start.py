"""The start of a command, before any task runs: what is wrong then is one line, too.

Luigi reads its command line and its own sections outside of any task, and shows a traceback for what it cannot read.
"""

from __future__ import annotations

import os
import re
import sys
from configparser import Error as ConfigError
from difflib import get_close_matches
from typing import TYPE_CHECKING

import luigi
from luigi.configuration import get_config
from luigi.retcodes import retcode
from luigi.task_register import Register, TaskClassAmbigiousException, TaskClassNotFoundException

from kprover.settings import SECTION, SettingsError, UnreadableConfig

from .defaults import DEFAULTS
from .errors import code_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any, Final

USAGE_ERROR: Final = 2
"""Exit code for a command line that cannot be used, as argparse has it."""


class _WrongSection(SettingsError):
    def __init__(self, expected: str, found: str):
        Exception.__init__(self, f'luigi.cfg: expected the section [{expected}], in these letters, found [{found}]')


def end_with_one_line(tasks: Iterable[str]) -> None:
    """Let what ends the command outside of any task be told in one line, with the exit code of its kind.

    That is a Ctrl-C while the engine does not handle signals, as during the imports; a configuration that cannot be
    used; a task that is not there, where `tasks` are those to be suggested.
    """
    usual = sys.excepthook
    known = tuple(tasks)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        found = _told(error, known)
        if found is None:
            usual(kind, error, trace)
            return
        text, code = found
        print(f'kprover: {text}', file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(code)  # Python would end by the signal after an interrupt, and with 1 otherwise

    sys.excepthook = hook


def check_sections(tasks: Iterable[type[luigi.Task]]) -> None:
    """Check what Luigi's own sections of the configuration say, and that those of the tasks have no unknown keys.

    Raises:
        SettingsError: A value is not of its kind, a key is unknown, or a section is that of a task in other letters.
    """
    try:
        for family in Register.task_names():
            try:
                config = Register.get_task_cls(family)
            except TaskClassAmbigiousException:  # of the user's own
                continue
            if config.__module__.startswith('luigi.') and issubclass(config, luigi.Config):
                _check_values(family, config)
        for task in tasks:
            _check_keys(task)
        if get_config().has_section(SECTION):
            get_config().items(SECTION)  # its keys are checked with the options of the command, a % in them is not
    except ConfigError as err:
        raise UnreadableConfig(err) from err


def _check_values(section: str, config: type[luigi.Config]) -> None:
    for name, parameter in config.get_params():
        if not get_config().has_option(section, name):
            continue
        text = get_config().get(section, name)
        try:
            parameter.parse(text)
        except ValueError as err:
            raise SettingsError(name, _expected(parameter, err), str(text), section=section) from err


def _expected(parameter: luigi.Parameter[Any], error: ValueError) -> str:
    if isinstance(parameter, luigi.ChoiceParameter):
        return 'one of ' + ', '.join(sorted(map(str, parameter._choices)))
    kinds = ((luigi.BoolParameter, 'true or false'), (luigi.IntParameter, 'a whole number'))
    more = ((luigi.FloatParameter, 'a number'), (luigi.TimeDeltaParameter, 'a time as 8h or 90m'))
    return next((text for kind, text in (*kinds, *more) if isinstance(parameter, kind)), f'what Luigi reads ({error})')


def _check_keys(task: type[luigi.Task]) -> None:
    family, config = str(task.task_family), get_config()
    known = [name for name, _ in task.get_params() if name != 'alone']
    inherited = config.defaults() if hasattr(config, 'defaults') else {}
    for section in config.sections():
        if section != family and section.lower() == family.lower():
            raise _WrongSection(family, section)
    for key, text in dict(config.items(family)).items() if config.has_section(family) else ():
        name = key.replace('-', '_')
        if key not in inherited and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f' (did you mean {near[0]}?)' if near else ''
            raise SettingsError(key, f'one of the keys {", ".join(known)}{hint}', str(text), section=family)


def _told(error: BaseException, tasks: tuple[str, ...]) -> tuple[str, int] | None:
    """What there is to say of an error that ends the command, and the exit code; `None` for a traceback."""
    if type(error) is KeyboardInterrupt:
        return 'interrupted; what was finished is kept', _code('not_run')
    if isinstance(error, TaskClassNotFoundException):
        return _no_such_task(str(error), tasks), USAGE_ERROR
    name = code_name(error)
    return None if name is None else (str(error), _code(name))


def _no_such_task(text: str, tasks: tuple[str, ...]) -> str:
    found = re.match(r'No task (\S+)\. ', text)
    name = found[1] if found is not None else ''
    plain = {task.lower(): task for task in tasks}
    near = get_close_matches(name.lower().replace('_', '').replace('-', ''), plain, n=1)
    hint = f'did you mean {plain[near[0]]}?' if near else f'there are {", ".join(tasks)}'
    return f"no task is called '{name}'; {hint}"


def _code(name: str) -> int:
    """The exit code of a kind, where section [retcode] itself may be what is wrong."""
    try:
        return int(getattr(retcode(), name))
    except ValueError:
        return int(DEFAULTS['retcode'][name])
