"""The commands in the documentation work as they are written, and its links lead somewhere.

A page's `console` blocks are run in order, in one folder that holds luigi.cfg and the examples, with the claims that
the page names and a few others. Above a block,
`<!-- exit: 30 -->` says with what its last command ends, `<!-- not run: why -->` that it cannot be run here. A block
with `title="name"` is a file that the page has its reader write.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kprover.suites import load_suite

PROJECT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r'(?:^<!-- (?P<note>exit: \d+|not run: [^>]+) -->\n)?^```(?P<kind>\w+)(?P<info>[^\n]*)\n(?P<body>.*?)^```$',
    re.M | re.S,
)
TITLE = re.compile(r'title="([^"]+)"')
SECONDS = 120


@dataclass(frozen=True)
class Step:
    """A command of a page, or a file that it has its reader write."""

    text: str
    file: str = ''
    code: int = 0


def steps(page: Path) -> list[Step]:
    """What a reader does who follows the page."""
    found = []
    for block in BLOCK.finditer(page.read_text(encoding='utf-8')):
        note = block['note'] or ''
        title = TITLE.search(block['info'])
        if title is not None:
            found.append(Step(block['body'], file=title[1]))
        elif block['kind'] == 'console' and not note.startswith('not run'):
            lines = re.findall(r'^\$ (.*(?:\\\n.*)*)', block['body'], re.M)
            codes = [0] * (len(lines) - 1) + [int(note.removeprefix('exit: ')) if note else 0]
            found += [Step(line, code=code) for line, code in zip(lines, codes, strict=True)]
    return found


DOCS = PROJECT / 'docs'
EXAMPLES = PROJECT / 'examples'
PAGES = {page.relative_to(PROJECT).as_posix(): page for page in [PROJECT / 'README.md', *DOCS.rglob('*.md')]}


@pytest.mark.parametrize('name', sorted(name for name, page in PAGES.items() if any(not s.file for s in steps(page))))
def test_the_commands_of_a_page_work(name: str, tmp_path: Path) -> None:
    few_examples(tmp_path / 'examples', PAGES[name])
    config = (PROJECT / 'luigi.cfg').read_text(encoding='utf-8')
    assert '\nworkers = 0\n' in config  # a worker for each core: more processes than few claims need
    (tmp_path / 'luigi.cfg').write_text(config.replace('\nworkers = 0\n', '\nworkers = 1\n'), encoding='utf-8')
    bin_folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        'PATH': f'{bin_folder}{os.pathsep}{os.environ["PATH"]}',
        'PYTHONPATH': f'{tmp_path}{os.pathsep}{PROJECT}',
        'HOME': str(tmp_path),
        'PAGER': 'cat',
    }
    environment.pop('LUIGI_CONFIG_PATH', None)
    for step in steps(PAGES[name]):
        if step.file:
            path = tmp_path / step.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding='utf-8')
            continue
        done = subprocess.run(
            ['bash', '-c', step.text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
        said = f'{step.text}\nended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}'
        assert done.returncode == step.code, said


def few_examples(folder: Path, page: Path) -> None:
    """The examples as they are, but suites of few claims: that all of them hold is shown by a test of the suites."""
    named = set(re.findall(r'[\w-]+', ' '.join(step.text for step in steps(page))))
    suites = {path.relative_to(EXAMPLES): path for path in EXAMPLES.glob('*/*.toml')}
    for part in (Path(), *{path.parent for path in suites}):
        (folder / part).mkdir()
        for path in (EXAMPLES / part).iterdir():
            if (folder / part / path.name).exists() or path.suffix == '.toml' or path.name == '__pycache__':
                continue
            if path.relative_to(EXAMPLES) not in {suite.parent for suite in suites}:
                (folder / part / path.name).symlink_to(path)
    for name, path in suites.items():
        labels = [claim.label for claim in load_suite(path).claims]
        chosen = {*labels[:2], *(label for label in labels if label.rpartition('.')[2] in named)}
        (folder / name).write_text(f'include = {json.dumps(sorted(chosen))}\n{path.read_text(encoding="utf-8")}')


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    """A block of another kind that shows a prompt would escape the test above."""
    for name, page in PAGES.items():
        for block in BLOCK.finditer(page.read_text(encoding='utf-8')):
            if block['kind'] != 'console':
                assert not re.search(r'^\$ ', block['body'], re.M), f'{name}: {block["body"][:80]!r}'


def test_links_lead_to_files_and_headings_that_exist() -> None:
    broken = []
    for name, page in PAGES.items():
        for target in re.findall(r'\]\(([^)\s]+)\)', page.read_text(encoding='utf-8')):
            if re.match(r'[a-z]+:', target):
                continue
            path, _, anchor = target.partition('#')
            linked = (page.parent / path).resolve() if path else page
            if not linked.exists() or (anchor and linked.suffix == '.md' and anchor not in anchors(linked)):
                broken.append(f'{name}: {target}')
    assert not broken


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have."""
    headings = re.findall(r'^#+ (.+)$', page.read_text(encoding='utf-8'), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-') for heading in headings}


def test_every_page_is_in_the_navigation() -> None:
    index = (DOCS / 'index.md').read_text(encoding='utf-8')
    trees = re.findall(r'^```\{toctree\}\n(.*?)^```', index, re.M | re.S)
    listed = {f'{line}.md' for tree in trees for line in tree.splitlines() if line and not line.startswith(':')}
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob('*.md')} - {'index.md'}


def test_words_of_commands_in_prose_name_commands_that_exist() -> None:
    from kprover.cli.app import COMMANDS

    for name, page in PAGES.items():
        for words in re.findall(r'`kprover ([a-z][\w-]*)', page.read_text(encoding='utf-8')):
            assert shlex.split(words)[0] in COMMANDS, f'{name}: kprover {words}'


def test_every_setting_is_in_the_documentation_and_in_luigi_cfg() -> None:
    from configparser import ConfigParser
    from dataclasses import fields

    from kprover.settings import Settings

    keys = {field.name for field in fields(Settings)} - {'addresses'}
    page = (PROJECT / 'docs' / 'settings.md').read_text(encoding='utf-8')
    assert set(re.findall(r'^\| `(\w+)` \|', page, re.M)) == keys
    sample = ConfigParser()
    sample.read(PROJECT / 'luigi.cfg', encoding='utf-8')
    assert set(sample['kprover']) <= keys
