"""What changes behind a key's back: other modules served, files that servers read, lemmas and graphs edited since."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, config, example, run

from kprover.backends import Backend, program_files, with_options
from kprover.engine import EngineError, Ledger, Status, prove
from kprover.engine.inputs import Inputs
from kprover.proofs.modules import added_module, lemma_rules
from kprover.proofs.sources import Sources
from kprover.store import CheckpointStore
from kprover.suites import load_suite, load_suites

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.suites import Suite

INPUT = 'IMP-INPUT.not-negative'
DEPENDENT = 'IMP-LOOPS.transfer-six'


def served(folder: Path) -> tuple[Suite, Suite]:
    """Two suites of one folder with a claim that holds with a lemma: the main module of the first has it."""
    shutil.copytree(EXAMPLES / 'imp', folder / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    (claim,) = (claim for claim in example('imp').claims if claim.label == INPUT)
    (lemmas,) = claim.options.lemmas
    kompiled = folder / 'imp' / claim.kompiled.name
    sources = Sources()
    definition = sources.definition(str(kompiled))
    rules = lemma_rules(sources.lemmas(str(lemmas), definition))
    module = added_module(definition.kast, example('imp').main_module, rules)
    with (kompiled / 'definition.kore').open('a') as kore:
        kore.write(module.text.replace(module.name, 'WITH-LEMMAS') + '\n')
    files = []
    for name, main in (('with', 'WITH-LEMMAS'), ('without', example('imp').main_module)):
        files.append(folder / 'imp' / f'{name}.toml')
        files[-1].write_text(
            f'name = "{name}"\nkompiled = "{kompiled.name}"\nmain-module = "{main}"\n'
            f'specs = ["{claim.spec.relative_to(EXAMPLES / "imp")}"]\ninclude = ["{INPUT}"]\n'
        )
    first, second = load_suites(files)
    return first, second


def test_suites_of_one_folder_with_different_main_modules_share_no_server(tmp_path: Path) -> None:
    """Subsumption is checked in the module that a server was started with."""
    suites = served(tmp_path)
    claims = [claim for suite in suites for claim in suite.claims]
    alone = [prove([suite], suite.claims, config(tmp_path / suite.name)).claims[0].status for suite in suites]
    assert alone == [Status.PASSED, Status.FAILED]
    together = prove(suites, claims, config(tmp_path / 'both'))
    assert [claim.status for claim in together.claims] == alone
    running = config(tmp_path / 'running', addresses=(('127.0.0.1', 1),), backend_identity='one server')
    with pytest.raises(EngineError, match='in separate runs'):
        prove(suites, claims, running)


@pytest.mark.parametrize('words', [('--smt-prelude', '{}'), ('--smt-prelude={}',), ('--llvm-backend-library', '{}')])
def test_a_file_that_a_server_is_told_to_read_is_part_of_what_the_server_is(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / 'read'
    plain = Backend('kore-rpc', ('/bin/kore-rpc',), 'kore-rpc 1', '')
    found = []
    for text in ('(assert true)', '(assert false)', '(assert true)'):
        file.write_text(text)
        found.append(with_options(plain, [word.format(file) for word in words], {}))
    assert found[0].identity != found[1].identity
    assert found[0].identity == found[2].identity
    assert file in program_files(found[0], tmp_path)


def test_lemmas_edited_between_the_plan_and_the_run_end_it(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / 'imp', tmp_path / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    suite = load_suite(tmp_path / 'imp' / 'suite.toml')
    planned = Ledger([suite], config(tmp_path)).proof(f'imp/{INPUT}')
    Inputs([planned])
    (lemmas,) = planned.claim.options.lemmas
    lemmas.write_bytes(lemmas.read_bytes() + b' ')
    with pytest.raises(EngineError, match=lemmas.name):
        Inputs([planned])


def test_a_proof_that_was_begun_on_another_graph_of_its_dependency_begins_again(tmp_path: Path) -> None:
    """Its rules may be edges that nobody stands for any more, as those of an import."""
    suite, run_config = example('imp'), config(tmp_path)
    assert run(suite, [DEPENDENT], run_config).all_passed
    digest = Ledger([suite], run_config).proof(f'imp/{DEPENDENT}').digest
    with CheckpointStore.open(run_config.store) as store:
        prepared = store.header(f'proof:{digest}')
        assert prepared is not None
        (dependency,) = prepared['graphs']
        store.put(f'proof:{digest}', {**prepared, 'target': prepared['init'], 'graphs': {dependency: '0' * 64}})
        store.delete(f'verdict:{digest}')
        store.commit()
    again = run(suite, [DEPENDENT], run_config)
    assert again.all_passed
    assert again.requests == 0
    with CheckpointStore.open(run_config.store) as store:
        begun = store.header(f'proof:{digest}')
    assert begun is not None
    assert [begun[name] for name in ('target', 'graphs')] == [prepared[name] for name in ('target', 'graphs')]
