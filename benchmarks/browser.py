"""Opens pages in headless Chromium, where there is one: for the page's benchmark, its tests and its screenshots."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from playwright.sync_api import Browser

PROGRAMS: Final = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')

ARGUMENTS: Final = (
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
)


def missing() -> str:
    """Why no browser can be started; empty if one can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return 'playwright is not installed'
    return '' if _program() else f'no browser on PATH: none of {", ".join(PROGRAMS)}'


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser without a sandbox, for pages that we made ourselves."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=_program(), args=list(ARGUMENTS))
        try:
            yield running
        finally:
            running.close()


def _program() -> str | None:
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)
