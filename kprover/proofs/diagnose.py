"""Why a failing node does not reach its target, in words and readable terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.show import CTermShow
from pyk.cterm.symbolic import CTermSMTError
from pyk.kore.rpc import KoreClientError

from .errors import BackendError
from .results import readable
from .semantics import OPEN_END

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pyk.cterm.cterm import CTerm
    from pyk.kcfg.explore import KCFGExplore

    from .codec import TermCache


def diagnose(
    header: Mapping[str, Any], blobs: Mapping[str, bytes], *, explore: KCFGExplore, terms: TermCache
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Explain a failing node, as pyk's `APRFailureInfo` does.

    Args:
        header: `node`, `target` (hashes), `failing` (`stuck`, `terminal` or `open-end`), `assume_defined`.
        blobs: The two terms by hash.

    Returns:
        `explanation`, `configuration`, `target` as texts, `model` as the readable values of the node's variables, or
        None where the server found none. What the server cannot answer is said in the explanation; it is no error.
    """
    node = terms.decode(header['node'], blobs.get)
    target = terms.decode(header['target'], blobs.get)
    answer = {
        'explanation': _explanation(node, target, explore, bool(header.get('assume_defined')), header['failing']),
        'configuration': _text(node, explore),
        'target': _text(target, explore),
        'model': _model(node, explore),
        'rewrites': 0,
    }
    return answer, {}


def _explanation(node: CTerm, target: CTerm, explore: KCFGExplore, assume_defined: bool, failing: str) -> str:
    opening = {
        'stuck': 'No rule applies here, and the state does not imply the target.',
        'terminal': 'The state is terminal and does not imply the target.',
        OPEN_END: 'Nothing is left to execute but the unknown rest of the <k> cell, and the state does not imply the '
        'target.',
    }.get(failing, 'The state does not imply the target.')
    try:
        simple_node, _ = explore.cterm_symbolic.simplify(node)
        simple_target, _ = explore.cterm_symbolic.simplify(target)
        holds, reason = explore.implication_failure_reason(simple_node, simple_target, assume_defined=assume_defined)
    except (KoreClientError, CTermSMTError, BackendError) as err:
        return f'{opening}\nThe server could not say why: {err}'
    if holds:  # the simplified state may show more than the one that was compared
        return f'{opening}\nAfter simplification the state does imply it; a smaller execute-depth may prove the claim.'
    if 'failed matching individually' not in reason:  # the cells match one by one, but not all with the same values
        reason = '\n'.join([reason, *_differences(simple_node, simple_target, explore)])
    return f'{opening}\n{reason}'


def _differences(node: CTerm, target: CTerm, explore: KCFGExplore) -> list[str]:
    """The cells in which the state is not the target to the letter."""
    lines = []
    for name, content in node.cells.items():
        wanted = target.cells.get(name)
        if wanted is None or content == wanted:
            continue
        here, there = explore.pretty_print(content), explore.pretty_print(wanted)
        if here != there:
            lines.append(f'{name}: {here} #Implies {there}')
    return ['The following cells differ (state #Implies target):', *lines] if lines else []


def _text(cterm: CTerm, explore: KCFGExplore) -> str:
    """A state as pyk shows it, its constraints as conditions of sort Bool."""
    lines = CTermShow(explore.pretty_print).show_config(cterm)
    lines += [f'#And {readable(constraint, explore.pretty_print)}' for constraint in cterm.constraints]
    return '\n'.join(line.rstrip() for line in lines)


def _model(node: CTerm, explore: KCFGExplore) -> dict[str, str] | None:
    try:
        model = explore.cterm_symbolic.get_model(node)
    except (KoreClientError, CTermSMTError, BackendError, AssertionError):
        return None  # an explanation without example values is still one
    if model is None:
        return None
    return {variable: explore.pretty_print(value) for variable, value in sorted(model.items())}
