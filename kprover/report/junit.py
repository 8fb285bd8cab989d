"""JUnit XML of a run: a test suite for each suite, a test case for each claim.

| claim | test case |
| --- | --- |
| passed, also bounded | passes |
| passed, but vacuous | passes, with a property `vacuous` of the suite that names it |
| failed | `failure` with the reason and the failing nodes |
| error; pending because a limit or budget was reached | `error` with the reason |
| pending otherwise, not attempted | `skipped` with the reason |
| trusted | `skipped`: it was admitted, not proved |

The elements, their order and their attributes are those on which the Ant and Jenkins schemas agree.
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..engine.values import STOPPED_AT_FAILURE, Phase, RunState, Status
from .summary import LONGEST_TEXT
from .text import claim_report, first_line, verdict_word

if TYPE_CHECKING:
    from typing import Final

    from ..engine.values import ClaimProgress
    from .record import RunRecord

FAILURE: Final = 'failure'
ERROR: Final = 'error'
SKIPPED: Final = 'skipped'

_NOT_XML = re.compile('[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def junit_xml(record: RunRecord) -> bytes:
    """The run as a document in UTF-8."""
    root = Element('testsuites', _totals(record.claims, record.summary.state))
    root.set('name', 'kprover')
    for number, suite in enumerate(dict.fromkeys(claim.suite for claim in record.claims)):
        _suite(root, number, suite, record)
    indent(root)
    return bytes(tostring(root, encoding='UTF-8', xml_declaration=True)) + b'\n'


def outcome(progress: ClaimProgress, state: RunState) -> str:
    """The element that says why a claim is no passing test; empty if it is one.

    Args:
        state: How the run ended: one that was cut short has used up nobody's budget.
    """
    if progress.status is Status.PASSED:
        return SKIPPED if progress.admitted else ''
    if progress.status is Status.FAILED:
        return FAILURE
    if progress.status is Status.ERROR:
        return ERROR
    settled = progress.status is Status.PENDING and progress.phase is Phase.SETTLED
    if settled and state is not RunState.RUNNING and not progress.reason.endswith(STOPPED_AT_FAILURE):
        return ERROR
    return SKIPPED


def _suite(root: Element, number: int, name: str, record: RunRecord) -> None:
    claims = [claim for claim in record.claims if claim.suite == name]
    started = datetime.fromtimestamp(record.summary.started, timezone.utc)
    attributes = {
        'name': _text(name),
        'id': str(number),
        'package': _text(name),
        'hostname': _text(record.facts.host or 'localhost'),
        'timestamp': f'{started:%Y-%m-%dT%H:%M:%S}',
    }
    element = SubElement(root, 'testsuite', attributes | _totals(claims, record.summary.state))
    properties = SubElement(element, 'properties')
    vacuous = [('vacuous', claim.label) for claim in claims if claim.vacuous]
    for key, value in (*_properties(record).items(), *vacuous):
        SubElement(properties, 'property', {'name': key, 'value': _text(value)})
    remarks = []
    for claim in claims:
        _case(element, claim, record)
        if claim.status is Status.PASSED and claim.reason:
            remarks.append(f'{claim.claim}: {verdict_word(claim)}, {claim.reason}')
    SubElement(element, 'system-out').text = _text('\n'.join(remarks))
    SubElement(element, 'system-err').text = _text('\n'.join(notice.message for notice in record.notices))


def _case(suite: Element, claim: ClaimProgress, record: RunRecord) -> None:
    module, _, name = claim.label.rpartition('.')
    case = SubElement(
        suite,
        'testcase',
        {
            'name': _text(name or claim.label),
            'classname': _text(f'{claim.suite}.{module}' if module else claim.suite),
            'time': f'{claim.seconds:.3f}',
        },
    )
    what = outcome(claim, record.summary.state)
    if not what:
        return
    message = _text(first_line(claim.reason) or _unsaid(claim, record))
    element = SubElement(case, what, {'message': message})
    if what != SKIPPED:
        kind = claim.failures[0].reason if claim.failures else claim.status.value
        element.set('type', 'budget' if claim.status is Status.PENDING else kind)
        report = '\n'.join([*claim_report(claim), '', f'see: {record.facts.look} {shlex.quote(claim.claim)}'])
        element.text = _text(report)


def _unsaid(claim: ClaimProgress, record: RunRecord) -> str:
    """Why a claim without a reason is not decided."""
    if claim.status is not Status.PENDING and claim.status is not Status.NOT_ATTEMPTED:
        return str(claim.status)
    how = {RunState.INTERRUPTED: 'the run was interrupted', RunState.ABORTED: 'the run was stopped by an error'}
    return f'{verdict_word(claim)}: {how.get(record.summary.state, "the run is not over")}'


def _totals(claims: tuple[ClaimProgress, ...] | list[ClaimProgress], state: RunState) -> dict[str, str]:
    outcomes = [outcome(claim, state) for claim in claims]
    return {
        'tests': str(len(outcomes)),
        'failures': str(outcomes.count(FAILURE)),
        'errors': str(outcomes.count(ERROR)),
        'skipped': str(outcomes.count(SKIPPED)),
        'time': f'{sum(claim.seconds for claim in claims):.3f}',
    }


def _properties(record: RunRecord) -> dict[str, str]:
    summary, facts = record.summary, record.facts
    properties = {
        'run': summary.run,
        'state': str(summary.state),
        'backend': summary.backend,
        'backend-source': facts.backend,
        'backend-identity': facts.identity,
        'workers': str(summary.workers),
        'server-starts': str(summary.server_starts),
        'requests': str(summary.requests),
        'steps-made': str(summary.steps),
        'steps-reused': str(summary.reused),
        'store': facts.store,
        'suites': ', '.join(facts.suites),
        **{f'version-{name}': version for name, version in facts.versions.items()},
        **{f'setting-{name}': value for name, value in facts.settings.items()},
    }
    return {name: value for name, value in properties.items() if value}


def _text(text: str) -> str:
    """What XML may hold of a text; other characters are written as their numbers."""
    if len(text) > LONGEST_TEXT:
        text = f'{text[:LONGEST_TEXT]}\n... {len(text) - LONGEST_TEXT} more characters'
    return _NOT_XML.sub(lambda match: f'\\x{ord(match[0]):02x}', text)
