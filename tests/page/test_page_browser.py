"""The page in a real browser: what a person does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CLAIMS = 60


def shown_names(page: Page) -> list[str]:
    names: list[str] = page.eval_on_selector_all(
        '#table tbody tr:not([hidden])', 'rows => rows.map(r => r.dataset.name)'
    )
    return names


def column(page: Page, number: int) -> list[int]:
    texts: list[str] = page.eval_on_selector_all(
        '#table tbody tr:not([hidden])', f'rows => rows.map(r => r.cells[{number}].textContent)'
    )
    return [int(text) for text in texts]


def first_failed(page: Page) -> None:
    page.click('tr[data-state=failed] a')
    page.wait_for_selector('.graph svg')


def test_failures_come_first_and_a_column_sorts_both_ways(page: Page) -> None:
    assert page.get_attribute('#table tbody tr', 'data-state') == 'failed'
    page.click('[data-sort=steps]')
    steps = column(page, 2)
    assert steps == sorted(steps, reverse=True) and len(set(steps)) > 3
    assert page.get_attribute('th:has([data-sort=steps])', 'aria-sort') == 'descending'
    page.click('[data-sort=steps]')
    assert column(page, 2) == sorted(steps)


def test_filters_combine_and_say_how_many_are_left(page: Page) -> None:
    page.click('.chip[data-state=failed]')
    failed = shown_names(page)
    assert 0 < len(failed) < CLAIMS
    page.fill('#filter', failed[0])
    assert shown_names(page) == [failed[0]]
    assert page.inner_text('#shown') == f'1 of {CLAIMS} claims'
    page.reload()
    page.wait_for_selector('body[data-ready=yes]')
    assert shown_names(page) == [failed[0]]


def test_a_failed_claim_opens_at_its_failing_node_with_the_difference(page: Page) -> None:
    first_failed(page)
    assert page.locator('[role=treeitem][aria-selected=true].n-failing').count() == 1
    failure = page.locator('.failure')
    assert 'No rule applies' in failure.inner_text()
    assert failure.locator('.diff .minus').count() == 1
    assert failure.locator('.diff .plus').count() == 1
    lines = failure.locator('.diff div').count()
    failure.locator('.diff button').first.click()
    assert failure.locator('.diff div').count() > lines
    page.go_back()
    assert page.is_visible('#table')


def test_a_large_graph_is_folded_and_unfolds_by_mouse_and_keyboard(page: Page) -> None:
    page.click('[data-sort=nodes]')
    nodes = column(page, 3)[0]
    assert nodes > 200
    page.locator('#table tbody a').first.click()
    page.wait_for_selector('.graph svg')
    items = page.locator('[role=treeitem]')
    assert items.count() < 200
    before = items.count()
    page.locator('.fold').first.click()
    assert items.count() != before
    page.get_by_text('Fold all', exact=True).click()
    assert items.count() == 1
    items.first.focus()
    page.keyboard.press('ArrowRight')
    assert items.count() > 1
    page.keyboard.press('ArrowRight')
    assert page.evaluate("document.activeElement.getAttribute('aria-level')") == '2'
    page.fill('input[type=number]', str(nodes))
    page.keyboard.press('Enter')
    assert page.inner_text('.details h3 >> nth=0') == f'Node {nodes}'


def test_the_timeline_is_drawn_when_it_is_seen_and_needs_no_network(page: Page) -> None:
    requests: list[str] = []
    page.on('request', lambda request: requests.append(request.url))
    page.locator('#timeline').scroll_into_view_if_needed()
    page.wait_for_selector('#plot[data-drawn=yes]')
    assert page.locator('#plot .heatmaplayer image').count() == 1
    assert not [url for url in requests if not url.startswith(('data:', 'blob:'))]


def test_a_running_page_reloads_keeps_what_was_looked_at_and_can_be_paused(
    chromium: Browser, files: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / 'running.html'
    text = files['running'].read_text(encoding='utf-8')
    copy.write_text(text.replace('data-refresh="5"', 'data-refresh="0.5"'), encoding='utf-8')
    page = chromium.new_page()
    page.goto(copy.as_uri())
    page.wait_for_selector('body[data-ready=yes]')
    page.select_option('#suite', index=1)
    # The next version is not loaded again while it is looked at.
    newer = tmp_path / 'newer.html'
    newer.write_text(text.replace('data-refresh="5"', 'data-refresh="3600" data-newer="yes"'), encoding='utf-8')
    newer.replace(copy)
    page.wait_for_selector('body[data-newer=yes][data-ready=yes]')
    suite = page.input_value('#suite')
    names = shown_names(page)
    assert suite
    assert 0 < len(names) < CLAIMS
    assert all(name.startswith(f'{suite}/') for name in names)
    page.click('#pause')
    assert page.get_attribute('#pause', 'aria-pressed') == 'true'
    page.close()


def test_the_page_fits_a_phone_in_the_dark(chromium: Browser, files: dict[str, Path]) -> None:
    context = chromium.new_context(viewport={'width': 360, 'height': 740}, color_scheme='dark')
    page = context.new_page()
    page.goto(files['finished'].as_uri())
    page.wait_for_selector('body[data-ready=yes]')
    assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(20, 24, 29)'
    first_failed(page)
    assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    context.close()
