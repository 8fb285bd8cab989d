"""Writing small suites: claims as kprove writes them, spec files, a kompiled folder and a suite file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def claim(label: str | None, /, body: str = 'body', **attributes: object) -> dict[str, Any]:
    """A claim sentence as kprove writes it, about a token."""
    names = {} if label is None else {'label': label}
    true = {'node': 'KToken', 'sort': {'node': 'KSort', 'name': 'Bool', 'params': []}, 'token': 'true'}
    return {
        'node': 'KClaim',
        'body': {'node': 'KToken', 'sort': {'node': 'KSort', 'name': 'Id', 'params': []}, 'token': body},
        'requires': true,
        'ensures': true,
        'att': {
            'node': 'KAtt',
            'att': {
                **names,
                'UNIQUE_ID': f'id of {label} {body}',
                'org.kframework.attributes.Source': 'spec.k',
                'org.kframework.attributes.Location': [1, 2, 3, 4],
                **attributes,
            },
        },
    }


def module_list(modules: dict[str, list[dict[str, Any]]], version: object = 4) -> dict[str, Any]:
    """A KFlatModuleList in its envelope; the last module is the main one."""
    return {
        'format': 'KAST',
        'version': version,
        'term': {
            'node': 'KFlatModuleList',
            'mainModule': list(modules)[-1],
            'term': [
                {
                    'node': 'KFlatModule',
                    'name': name,
                    'imports': [{'node': 'KImport', 'name': 'LANGUAGE', 'isPublic': True}],
                    'localSentences': sentences,
                    'att': {'node': 'KAtt', 'att': {}},
                }
                for name, sentences in modules.items()
            ],
        },
    }


DEFINITION = {'node': 'KDefinition', 'mainModule': 'LANGUAGE', 'modules': [], 'att': {'node': 'KAtt', 'att': {}}}


@dataclass
class SuiteFolder:
    """Files of a suite, written anew by each `write`."""

    folder: Path
    head: str = 'name = "small"\nkompiled = "kompiled"\nspecs = ["spec.json"]\n'
    modules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    definition: str = '[]\nmodule LANGUAGE\n// axiom [label{}("SUM.cut")] axiom [label{}("SUM.end")]\nendmodule []\n'

    def write(self, extra: str = '', *, head: str | None = None) -> Path:
        kompiled = self.folder / 'kompiled'
        kompiled.mkdir(exist_ok=True)
        (kompiled / 'definition.kore').write_text(self.definition)
        (kompiled / 'compiled.json').write_text(json.dumps({'format': 'KAST', 'version': 4, 'term': DEFINITION}))
        (kompiled / 'mainModule.txt').write_text('LANGUAGE\n')
        self.spec('spec.json', self.modules)
        path = self.folder / 'suite.toml'
        path.write_text((self.head if head is None else head) + extra)
        return path

    def spec(self, name: str, modules: dict[str, list[dict[str, Any]]], version: object = 4) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(module_list(modules, version)))
        return path
