"""Claims as files: modules of claims to the JSON that ``kprove --emit-json-spec`` writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyk.kast.att import Atts, KAtt
from pyk.kast.inner import KRewrite
from pyk.kast.outer import KClaim, KFlatModule, KFlatModuleList, KImport, KRule
from pyk.kast.prelude.kbool import TRUE

from examples.kompile import unique_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pyk.kast.att import AttEntry
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KSentence


def circularity() -> AttEntry[Any]:
    """Return the attribute of a claim that may be used in its own proof."""
    return Atts.CIRCULARITY(None)


def trusted() -> AttEntry[Any]:
    """Return the attribute of a claim that is assumed, not proved."""
    return Atts.TRUSTED(None)


def depends(*labels: str) -> AttEntry[Any]:
    """Return the attribute of a claim whose proof uses the claims with the given labels."""
    return Atts.DEPENDS(','.join(labels))


def functional(label: str, left: KInner, right: KInner, *, requires: KInner = TRUE) -> KClaim:
    """Return the claim that two terms are equal; ``left`` is the application of a function."""
    identity = unique_id(label, left, right, requires)
    att = KAtt([Atts.LABEL(label), Atts.UNIQUE_ID(identity)])
    return KClaim(KRewrite(left, right), requires=requires, att=att)


def spec(main: str, name: str, claims: Iterable[KClaim]) -> str:
    """Return the file of the module ``name`` of claims over the definition with main module ``main``."""
    return _file(name, main, claims)


def lemmas(main: str, name: str, rules: Iterable[KRule]) -> str:
    """Return the file of the module ``name`` of simplifications that extends the main module ``main``."""
    identified = [
        rule.let(att=rule.att.update([Atts.UNIQUE_ID(unique_id(name, number, rule))]))
        for number, rule in enumerate(rules)
    ]
    return _file(name, main, identified)


def _file(name: str, main: str, sentences: Iterable[KSentence]) -> str:
    modules = KFlatModuleList(name, [KFlatModule(name, sentences, [KImport(main)])])
    return json.dumps({'format': 'KAST', 'version': 4, 'term': modules.to_dict()}, sort_keys=True) + '\n'
