"""Semantics classes of the users': with arguments, by entry points, and with errors that are their claim's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from embedded import EmbeddedServer
from plugins_harness import EXAMPLES, by_label, prove_suite, write_suite
from pyk.cterm.cterm import CTerm
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kcfg.kcfg import KCFG
from pyk.kore.rpc import KoreClient

from examples.stack.blocks import run_block
from examples.stack.claims import A, B, C, halts
from examples.stack.language import assemble
from kprover.engine import Status
from kprover.plugins import SEMANTICS, PluginNotFound, Reference, refer
from kprover.proofs.sources import Sources
from kprover.suites import SuiteError, load_suite, semantics_identity

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_class_does_wrong_is_reported_for_its_claim_only(tmp_path: Path) -> None:
    claims = {
        'STACK-STRAIGHT.arithmetic': 'semantics = "plugin_classes:Raising"',
        'STACK-STRAIGHT.symbolic': 'semantics = "plugin_classes:Mistyped"',
        'STACK-STRAIGHT.storage': 'semantics = "plugin_classes:Misextended"',
        'STACK-STRAIGHT.empty-slot': 'semantics = { class = "plugin_classes:Counting", arguments = { least = 3 } }',
        'STACK-STRAIGHT.invalid': 'semantics = { class = "plugin_classes:Counting", arguments = { least = 4 } }',
    }
    found = by_label(prove_suite(write_suite(tmp_path, 'stack', ['straight.json'], claims)))
    assert found['STACK-STRAIGHT.empty-slot'].status is Status.PASSED
    reasons = {label: claim.reason for label, claim in found.items() if claim.status is Status.ERROR}
    assert (
        "semantics plugin_classes:Raising: custom_step raised KeyError: 'GAS_CELL'"
        in reasons['STACK-STRAIGHT.arithmetic']
    )
    assert 'expected is_terminal to return a bool, found NoneType' in reasons['STACK-STRAIGHT.symbolic']
    assert (
        'expected custom_step to return a KCFGExtendResult or None, found ABCMeta' in reasons['STACK-STRAIGHT.storage']
    )
    assert 'plugin_classes:Counting that can be made with {"least":4}' in reasons['STACK-STRAIGHT.invalid']
    assert len(reasons) == 4


def test_arguments_are_part_of_the_identity_of_a_class() -> None:
    name = 'plugin_classes:Counting'
    references = [str(refer(name, arguments, SEMANTICS)) for arguments in ({}, {'least': 3}, {'least': 4})]
    assert references[0] == name
    assert Reference.parse(references[1]).arguments == '{"least":3}'
    assert len({semantics_identity(reference) for reference in references}) == 3
    assert str(refer(name, {'b': 1, 'a': 2}, SEMANTICS)) == str(refer(name, {'a': 2, 'b': 1}, SEMANTICS))


def test_an_entry_point_names_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for distribution, value in (('one', 'plugin_classes:NoEnds'), ('two', 'plugin_classes:NoEnds')):
        info = tmp_path / f'{distribution}-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n')
        (info / 'entry_points.txt').write_text(f'[{SEMANTICS}]\nmachine = {value}\n{distribution} = {value}\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refer('machine', {}, SEMANTICS).name == 'plugin_classes:NoEnds'
    with pytest.raises(PluginNotFound, match=r"no entry point 'machien'.*machine, one, two"):
        refer('machien', {}, SEMANTICS)
    (info / 'entry_points.txt').write_text(f'[{SEMANTICS}]\nmachine = plugin_classes:Raising\n')
    with pytest.raises(PluginNotFound, match="several packages have an entry point 'machine'"):
        refer('machine', {}, SEMANTICS)
    path = write_suite(tmp_path, 'stack', ['straight.json'], {'STACK-STRAIGHT.storage': 'semantics = "three"'})
    with pytest.raises(SuiteError, match='no entry point'):
        load_suite(path)


@pytest.mark.parametrize(
    'value', ['""', '3', '{ class = 3 }', '{ class = "a:B", argument = {} }', '{ class = "a:B", arguments = [] }', '{}']
)
def test_what_names_no_class_is_refused(tmp_path: Path, value: str) -> None:
    path = write_suite(tmp_path, 'stack', ['straight.json'], {'STACK-STRAIGHT.storage': f'semantics = {value}'})
    with pytest.raises(SuiteError, match='allowed: '):
        load_suite(path)


BLOCKS = [
    (['push 4', 'push 3', 'push 2', 'add', 'mul', 'stop'], [], 100),
    (['swap 1', 'sub', 'dup 1', 'add', 'stop'], [A, B], 100),
    (['dup 3', 'swap 2', 'pop', 'pop', 'push -3', 'mul', 'iszero'], [A, 3, B, C], 100),
    (['dup 2', 'mul', 'mul', 'mul'], [A, B, C], 4),  # gas for the first two only
    (['pop', 'pop', 'add'], [A, B], 100),  # nothing left to add
    (['push 1', 'push 2', 'swap 4', 'add'], [A, B], 100),
]


def test_a_block_of_the_stack_machine_is_what_its_rules_make_of_it() -> None:
    kompiled = EXAMPLES / 'stack' / 'kompiled'
    definition = Sources().definition(str(kompiled)).kast
    with EmbeddedServer(kompiled) as server, KoreClient('127.0.0.1', server.port) as client:
        symbolic = CTermSymbolic(client, definition)
        for code, start, gas in BLOCKS:
            kcfg, init, _ = KCFG.from_claim(definition, halts('TEST.block', assemble(*code), start=start, gas=gas))
            state = kcfg.node(init).cterm
            block = run_block(state)
            assert block is not None, code
            executed = symbolic.execute(state, depth=block.rewrites)
            assert executed.depth == block.rewrites, code
            assert executed.state == CTerm(block.configuration, state.constraints), code


def test_no_block_is_run_where_a_loop_may_begin_or_something_is_unknown() -> None:
    kompiled = EXAMPLES / 'stack' / 'kompiled'
    definition = Sources().definition(str(kompiled)).kast
    loop = ['push 1', 'pop', 'push 0', 'jump']
    computed = ['push 1', 'push 2', 'add', 'jump']
    for code, gas in ((loop, 100), (computed, 100), (['push 1', 'pop'], A), (['push 1', 'iszero'], 100)):
        kcfg, init, _ = KCFG.from_claim(definition, halts('TEST.none', assemble(*code), gas=gas))
        assert run_block(kcfg.node(init).cterm) is None, code
    kcfg, init, _ = KCFG.from_claim(definition, halts('TEST.inside', assemble(*loop), at=1, start=[A]))
    assert run_block(kcfg.node(init).cterm) is not None
