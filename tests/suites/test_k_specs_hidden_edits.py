"""No parse of K is served for an edited source, however the source is required and whenever it was edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_k_specs import KSpecs

from kprover.suites import SuiteError

if TYPE_CHECKING:
    from suite_folder import SuiteFolder

EDITING = """
if sys.argv[1:] != ['--version']:
    edited = here.parent / 'more.k'
    edited.write_text(edited.read_text() + '// an edit')
"""


@pytest.fixture
def specs(small: SuiteFolder, monkeypatch: pytest.MonkeyPatch) -> KSpecs:
    return KSpecs(small, monkeypatch)


@pytest.mark.parametrize(
    'required',
    [
        'requires "domains.md" requires "more.k"\n',
        'requires // what it rests on\n  "more.k"\n',
        '/* see "design" */ require /* again */ "more.k"\n',
        'requires"more.k"\n',
    ],
)
def test_every_way_to_require_a_file_is_noticed(specs: KSpecs, required: str) -> None:
    (specs.folder / 'sum-spec.k').write_text(f'{required}module SUM-SPEC\nendmodule\n')
    specs.load()
    (specs.folder / 'more.k').write_text('module MORE endmodule // an edit\n')
    specs.load()
    assert len(specs.kprove.calls) == 2


@pytest.mark.parametrize('args', ['["-I", "lib"]', '["-Ilib"]', '["--include=lib"]'])
def test_a_folder_that_only_the_arguments_name_is_searched_too(specs: KSpecs, args: str) -> None:
    extra = f'[kprove]\nargs = {args}\n'
    specs.load(extra)
    (specs.folder / 'lib' / 'deep.k').write_text('module DEEP endmodule // an edit\n')
    specs.load(extra)
    assert len(specs.kprove.calls) == 2


def test_what_was_edited_while_it_was_parsed_is_not_kept(specs: KSpecs) -> None:
    """The parse would stand under the name of what the source was before, to which it may return."""
    script = specs.kprove.program.read_text()
    specs.kprove.program.write_text(script.replace('behaviour = ', f'{EDITING}behaviour = ', 1))
    with pytest.raises(SuiteError, match='was edited while kprove read it'):
        specs.load()
    specs.kprove.program.write_text(script)
    specs.load()
    assert len(specs.kprove.calls) == 2
