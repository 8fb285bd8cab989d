"""A page with claims of the kinds that the tests look at, opened in a real browser."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.browser import browser, missing
from benchmarks.page import MadeUpRun
from kprover.engine.values import RunState
from kprover.report.page import render
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CLAIMS = 60


@pytest.fixture(scope='session')
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a finished run, and of the same run while it goes on."""
    folder = tmp_path_factory.mktemp('page')
    with CheckpointStore.open(folder / 'store.sqlite') as store:
        record = MadeUpRun(CLAIMS, 3000, 5, store).make()
    pages = {}
    with StoreReader(folder / 'store.sqlite') as reader:
        for name, state in (('finished', RunState.FINISHED), ('running', RunState.RUNNING)):
            record.finished(replace(record.summary, state=state))
            pages[name] = folder / f'{name}.html'
            pages[name].write_text(render(record, reader), encoding='utf-8')
    return pages


@pytest.fixture(scope='session')
def chromium() -> Iterator[Browser]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with browser() as running:
        yield running


@pytest.fixture
def page(chromium: Browser, files: dict[str, Path]) -> Iterator[Page]:
    """The page of the finished run; whatever its scripts complain of fails the test."""
    context = chromium.new_context()
    shown = context.new_page()
    complaints: list[str] = []
    shown.on('pageerror', lambda error: complaints.append(str(error)))
    shown.on('console', lambda message: complaints.append(message.text) if message.type == 'error' else None)
    shown.goto(files['finished'].as_uri())
    shown.wait_for_selector('body[data-ready=yes]')
    yield shown
    context.close()
    assert complaints == []
