"""What distinguishes a failing node's state from the target, cell by cell, as lines to be shown.

Both are pretty-printed configurations: a line for each opening and closing tag, the content of a cell between them,
then a line for each constraint. A cell that the target leaves open with `...` is no difference.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

SAME: Final = ' '
STATE: Final = '-'
TARGET: Final = '+'
OPEN: Final = '.'
"""The marks of lines: in both, in the state only, in the target only, in a cell that the target leaves open."""

LONGEST: Final = 4000
"""Configurations of more lines than this are shown one after the other; aligning them would take too long."""

_OPENING = re.compile(r'\s*<([^\s<>/]+)>\s*$')
_CLOSING = re.compile(r'\s*</([^\s<>/]+)>\s*$')


def difference(state: str, target: str) -> list[tuple[str, str]]:
    """Mark and text of each line that shows `state` beside `target`."""
    here, there = ([line for line in _lines(text) if line[1].strip() != '...'] for text in (state, target))
    wanted = {path for path, _ in there}
    opened = [bool(path) and path not in wanted for path, _ in here]
    compared = [number for number, is_open in enumerate(opened) if not is_open]
    if len(compared) + len(there) > LONGEST:
        return [(STATE, here[number][1]) for number in compared] + [(TARGET, text) for _, text in there]
    left, right = [here[number] for number in compared], there
    marked: list[tuple[str, str]] = []
    shown = 0  # lines of the state up to this one are written

    def write_state(mark: str, up_to: int) -> None:
        nonlocal shown
        for number in range(shown, up_to):
            marked.append((OPEN if opened[number] else mark, here[number][1]))
        shown = up_to

    for what, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        after = compared[j - 1] + 1 if j > i else shown
        write_state(SAME if what == 'equal' else STATE, after)
        if what != 'equal':
            marked += [(TARGET, text) for _, text in right[k:m]]
    write_state(STATE, len(here))
    return marked


def _lines(configuration: str) -> list[tuple[tuple[str, ...], str]]:
    """Each line with the cells around it; a tag belongs to its own cell."""
    cells: list[str] = []
    found = []
    for text in configuration.splitlines():
        opening, closing = _OPENING.match(text), _CLOSING.match(text)
        if opening is not None:
            cells.append(opening[1])
        found.append((tuple(cells), text))
        if closing is not None and cells and cells[-1] == closing[1]:
            cells.pop()
    return found
