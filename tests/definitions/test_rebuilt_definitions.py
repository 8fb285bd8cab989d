"""A definition rebuilt from definition.kore alone is, for a proof, the one that compiled.json says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyk.kast.att import Atts
from pyk.kast.outer import read_kast_definition

from kprover.definitions import RebuildError, whole_folder
from kprover.definitions.rebuild import REBUILT, rebuild
from kprover.engine import RunConfig, prove
from kprover.suites import Preparation, SuiteError, load_suite, select

if TYPE_CHECKING:
    from pyk.kast.outer import KDefinition, KProduction

    from kprover.engine import ClaimProgress

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'

KORE = """[]
module BASIC-K
  sort SortK{} []
  sort SortKItem{} []
endmodule []
module MAIN
  import BASIC-K []
  hooked-sort SortAccountCellMap{} [hook{}("MAP.Map")]
  sort SortAccountCell{} []
  sort SortIdCell{} []
  hooked-symbol Lbl'Unds'AccountCellMap'Unds'{}(SortAccountCellMap{}, SortAccountCellMap{}) : SortAccountCellMap{}
    [element{}(LblAccountCellMapItem{}()), function{}(), hook{}("MAP.concat")]
  hooked-symbol LblAccountCellMapItem{}(SortIdCell{}, SortAccountCell{}) : SortAccountCellMap{} [hook{}("MAP.element")]
  symbol Lbl'-LT-'account'-GT-'{}(SortIdCell{}) : SortAccountCell{} [cell{}(), constructor{}(), functional{}()]
  symbol Lblite{SortSort}(SortK{}, SortSort, SortSort) : SortSort
    [format{}("%cif%r %1 %cthen%r %i%2%d %celse%r %3"), function{}(), terminals{}("101010")]
  symbol Lblroot'LParUndsRParUnds'MAIN'Unds'IdCell'Unds'K{}(SortK{}) : SortIdCell{} [function{}()]
  symbol LblgasOf'Unds'call{}(SortK{}) : SortIdCell{} [constructor{}(), functional{}()]
  axiom{R} \\exists{R} (Val:SortK{}, \\equals{SortK{}, R} (Val:SortK{}, inj{SortIdCell{}, SortK{}} (From:SortIdCell{})))
    [subsort{SortIdCell{}, SortK{}}()]
endmodule [org'Stop'kframework'Stop'attributes'Stop'Location{}("Location(1,2,3,4)")]
"""


def of_proofs(production: KProduction) -> tuple[object, ...]:
    """What conversion and pyk's provers look at in a production."""
    kinds = [key in production.att for key in (Atts.CELL, Atts.ASSOC)]
    return (
        production.sort,
        tuple(production.argument_sorts),
        len(production.params),
        production.att.get(Atts.HOOK),
        kinds,
    )


@pytest.mark.parametrize('language', ['imp', 'stack'])
def test_it_has_the_symbols_sorts_functions_and_rules_of_the_whole_one(language: str) -> None:
    folder = EXAMPLES / language / 'kompiled'
    whole = read_kast_definition(folder / 'compiled.json')
    rebuilt = rebuild((folder / 'definition.kore').read_text())
    assert rebuilt.main_module_name == whole.main_module_name
    assert set(rebuilt.function_labels) == set(whole.function_labels)
    declared = {label: of_proofs(whole.symbols[label]) for label in rebuilt.symbols if not label.startswith('#')}
    assert {label: of_proofs(rebuilt.symbols[label]) for label in declared} == declared
    assert {label for label in whole.symbols if not label.startswith('#')} == set(declared)
    assert rebuilt.subsort_table == whole.subsort_table
    assert rule_labels(rebuilt) == rule_labels(whole)


def rule_labels(definition: KDefinition) -> dict[str, str | None]:
    return {rule.att[Atts.UNIQUE_ID]: rule.att.get(Atts.LABEL) for rule in definition.rules}


RIGHT = ['IMP-LOOPS.transfer-six', 'IMP-INPUT.not-negative', 'IMP-EQUALITIES.sign-sum']
WRONG = ['IMP-WRONG.larger-strictly', 'IMP-WRONG.swap-forgotten', 'IMP-WRONG-OPEN.off-by-one']


def proved(folder: Path) -> dict[str, ClaimProgress]:
    """The claims of both lists and what they depend on, with the definition of this folder."""
    preparation = Preparation(folder / 'cache', lambda line: None)
    suites = [load_suite(folder / 'imp' / file, preparation) for file in ('suite.toml', 'failing.toml')]
    config = RunConfig(store=folder / 'imp.sqlite', workers=1, backend='embedded')
    return {claim.label: claim for claim in prove(suites, select(suites, RIGHT + WRONG), config).claims}


def test_proofs_with_it_have_the_same_verdicts_and_graphs(tmp_path: Path) -> None:
    for folder in (tmp_path / 'whole', tmp_path / 'alone'):
        shutil.copytree(EXAMPLES / 'imp', folder / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    (tmp_path / 'alone' / 'imp' / 'kompiled' / 'compiled.json').unlink()
    whole, alone = (proved(tmp_path / name) for name in ('whole', 'alone'))
    for label, claim in whole.items():
        other = alone[label]
        assert (claim.status, claim.nodes, claim.steps) == (other.status, other.nodes, other.steps), label
        assert [failure.reason for failure in claim.failures] == [failure.reason for failure in other.failures], label
    failed = [label for label, claim in alone.items() if str(claim.status) == 'failed']
    assert sorted(failed) == sorted(WRONG)
    assert all(str(claim.status) == 'passed' for label, claim in alone.items() if label not in WRONG)
    for claim in alone.values():
        for failure in claim.failures:
            assert '<imp>' in failure.configuration, failure


def test_cells_of_a_map_are_known_where_kompile_does_not_say_so() -> None:
    definition = rebuild(KORE)
    assert {cell: element for cell, (element, _) in definition.cell_map_item_info.items()} == {
        '<account>': 'AccountCellMapItem'
    }
    assert REBUILT in definition.att


def test_terms_are_written_as_format_says_or_as_their_name_looks() -> None:
    symbols = rebuild(KORE, 'MAIN').symbols

    def written(label: str) -> str:
        return ' '.join(getattr(item, 'value', '_') for item in symbols[label].items)

    assert written('ite') == 'if _ then _ else _'
    assert written('<account>') == '<account> _ </account>'
    assert written('root(_)_MAIN_IdCell_K') == 'root( _ )'
    assert written('gasOf_call') == 'gasOf_call ( _ )'


def test_it_is_made_once_for_a_content_and_told(tmp_path: Path) -> None:
    given, cache, told = tmp_path / 'kompiled', tmp_path / 'cache', list[str]()
    given.mkdir()
    (given / 'definition.kore').write_text(KORE)
    (given / 'llvm-library').mkdir()
    first = whole_folder(given, cache, told.append)
    assert whole_folder(given, cache, told.append) == first
    assert len(told) == 1
    assert (first / 'definition.kore').read_text() == KORE
    assert json.loads((first / 'compiled.json').read_text())['term']['mainModule'] == 'MAIN'
    assert (first / 'llvm-library').resolve() == given / 'llvm-library'
    (given / 'definition.kore').write_text(KORE.replace('root', 'square'))
    assert whole_folder(given, cache, told.append) != first
    assert sorted(path.name[0] for path in (cache / 'definitions').iterdir()) != ['.']
    assert len(list((cache / 'definitions').iterdir())) == 2
    for text in ('{"format":"KAST","version":4,"term":{}}', '{"format": "KAST", "term": {}, "version": 4}\n'):
        (given / 'compiled.json').write_text(text)
        assert whole_folder(given, cache, told.append) == given
    for text in ('{"format":"KAST","version":3,"term":{}}', '{"format": "KAST", "term": {}, "version": 3}\n'):
        (given / 'compiled.json').write_text(text)
        assert whole_folder(given, cache, told.append) not in (given, first)


def test_a_definition_that_cannot_be_parsed_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    given, cache = tmp_path / 'kompiled', tmp_path / 'cache'
    given.mkdir()
    (given / 'definition.kore').write_text(KORE.replace('sort SortIdCell{}', 'sort sort SortIdCell{}', 1))
    with pytest.raises(RebuildError, match=r'kompiled/definition.kore: expected a definition as kompile writes it'):
        whole_folder(given, cache, lambda line: None)
    assert not list((cache / 'definitions').iterdir())
    (given / 'mainModule.txt').write_text('MAIN\n')
    suite = tmp_path / 'suite.toml'
    suite.write_text('name = "a"\nkompiled = "kompiled"\nspecs = ["spec.json"]\n')
    with pytest.raises(SuiteError, match=r'no compiled.json in .*kompiled, and .*definition.kore'):
        load_suite(suite, Preparation(cache, lambda line: None))
