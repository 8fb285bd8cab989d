"""Pictures of the page for the documentation: python -m benchmarks.screenshots PAGE FOLDER"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browser import browser, missing

if TYPE_CHECKING:
    from typing import Final, Literal

    from playwright.sync_api import Browser

    Scheme = Literal['light', 'dark']

DESKTOP: Final = (1280, 860)
PHONE: Final = (390, 800)

LARGEST_FAILED: Final = """
    const nodes = (row) => Number(row.cells[3].textContent);
    const rows = [...document.querySelectorAll('tr[data-state=failed]')].sort((a, b) => nodes(b) - nodes(a));
    location.hash = rows[0].querySelector('a').hash;
"""
"""Goes to the failed claim with the largest graph."""


def take(running: Browser, page_file: Path, folder: Path, size: tuple[int, int], scheme: Scheme, name: str) -> None:
    """Pictures of the overview, the timeline and the failed claim with the largest graph."""
    width, height = size
    context = running.new_context(viewport={'width': width, 'height': height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.wait_for_selector('body[data-ready=yes]')
    page.screenshot(path=folder / f'page-{name}-claims.png')
    page.evaluate("document.querySelector('#timeline').scrollIntoView()")
    page.wait_for_selector('#plot[data-drawn=yes]')
    page.screenshot(path=folder / f'page-{name}-timeline.png')
    failed = page.locator('tr[data-state=failed] a')
    if failed.count():
        page.evaluate(f'() => {{{LARGEST_FAILED}}}')
        page.wait_for_selector('.graph svg, #failure')
        page.wait_for_timeout(200)  # the graph scrolls to its selected node
        page.screenshot(path=folder / f'page-{name}-proof.png')
    context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description='Take pictures of the page of a run.')
    parser.add_argument('page', type=Path)
    parser.add_argument('folder', type=Path)
    arguments = parser.parse_args()
    if missing():
        print(f'screenshots: {missing()}', file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with browser() as running:
        file = arguments.page.absolute()
        take(running, file, arguments.folder, DESKTOP, 'light', 'desktop')
        take(running, file, arguments.folder, DESKTOP, 'dark', 'desktop-dark')
        take(running, file, arguments.folder, PHONE, 'light', 'phone')
    return 0


if __name__ == '__main__':
    sys.exit(main())
