"""Section [kprover]: what its keys mean, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kprover.settings import Settings, SettingsError, parse_settings, split_suites


def test_an_empty_section_means_the_defaults() -> None:
    assert parse_settings({}) == Settings()
    assert (
        parse_settings({'store': '', 'backend': '', 'priority': '', 'time_budget': '', 'server_args': ''}) == Settings()
    )


def test_every_key_is_read() -> None:
    assert parse_settings(
        {
            'suites': 'a.toml, b/c.toml',
            'store': 'x.sqlite',
            'workers': ' 8 ',
            'backend': 'kore-rpc',
            'priority': 'm:f',
            'grace': '0.5',
            'server_args': "--log-level warning -m 'a b'",
            'time_budget': '3600',
            'step_target': '0',
            'fail_fast': 'claim',
            'servers': '2',
            'backend_identity': 'mine 1.0',
            'server_env': "A=1 'B=x y'",
            'memory': '12G',
            'server_memory': '1.5 GiB',
            'server_modules': '0',
            'hang_timeout': '9.5',
            'attempts': '5',
            'reuse': 'verify',
            'verify_share': '0.25',
            'verify_instances': '5',
        }
    ) == Settings(
        suites=('a.toml', 'b/c.toml'),
        store=Path('x.sqlite'),
        workers=8,
        backend='kore-rpc',
        priority='m:f',
        grace=0.5,
        server_args=('--log-level', 'warning', '-m', 'a b'),
        time_budget=3600.0,
        step_target=0.0,
        fail_fast='claim',
        servers=2,
        backend_identity='mine 1.0',
        server_env=(('A', '1'), ('B', 'x y')),
        memory=12 << 30,
        server_memory=3 << 29,
        server_modules=0,
        hang_timeout=9.5,
        attempts=5,
        reuse='verify',
        verify_share=0.25,
        verify_instances=5,
    )


@pytest.mark.parametrize('key', ['backend', 'servers'])
def test_running_servers_are_named_by_their_addresses(key: str) -> None:
    settings = parse_settings({key: '127.0.0.1:7000, [::1]:7001', 'backend_identity': 'mine'})
    assert settings.addresses == (('127.0.0.1', 7000), ('::1', 7001))
    config = settings.run_config()
    assert (config.addresses, config.backend_identity) == (settings.addresses, 'mine')
    assert parse_settings({'backend': '/a:b/kore-rpc'}).addresses == ()


def test_an_amount_of_memory_may_be_none() -> None:
    assert (parse_settings({'memory': '0'}).memory, parse_settings({'memory': ''}).memory) == (0, None)


@pytest.mark.parametrize('text', ['a.toml,b.toml', 'a.toml, b.toml,', '\na.toml\nb.toml\n', 'a.toml,\n  b.toml'])
def test_suites_are_separated_by_commas_or_lines(text: str) -> None:
    assert split_suites(text) == ('a.toml', 'b.toml')


@pytest.mark.parametrize(
    ('key', 'text', 'expected'),
    [
        ('workers', '-1', 'a whole number'),
        ('workers', '2.5', 'a whole number'),
        ('workers', '²', 'a whole number'),
        ('grace', 'soon', 'seconds'),
        ('grace', '-1', 'seconds'),
        ('grace', 'nan', 'seconds'),
        ('grace', 'inf', 'seconds'),
        ('time_budget', 'all night', 'seconds'),
        ('step_target', '-1', 'seconds'),
        ('fail_fast', 'yes', 'one of no, claim, run'),
        ('reuse', 'never', 'one of reuse, refresh, verify, enforce'),
        ('verify_share', '10%', 'a share from 0 to 1'),
        ('verify_share', 'nan', 'a share from 0 to 1'),
        ('verify_instances', '-1', 'a whole number of instances'),
        ('server_args', "'open", 'words as a shell would part them'),
        ('servers', 'two', 'a whole number of servers'),
        ('servers', 'localhost:0', 'a whole number of servers'),
        ('backend', 'localhost:', 'the name or path of a server program'),
        ('memory', 'much', 'bytes'),
        ('server_memory', '-1G', 'bytes'),
        ('server_modules', 'x', 'a whole number of added modules'),
        ('server_env', 'NAME', 'words NAME=VALUE'),
        ('attempts', '0', 'a whole number of attempts'),
        ('worker', '2', 'one of the keys suites, store, workers, servers, backend'),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_was_expected(key: str, text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings({key: text})
    message = str(raised.value)
    assert f'section [kprover], key {key}: expected {expected}' in message
    assert repr(text) in message


def test_the_engine_is_told_everything() -> None:
    settings = Settings(workers=3, backend='kore-rpc', server_args=('-x',), priority='m:f', time_budget=9.0)
    config = settings.run_config()
    assert (config.workers, config.backend, config.server_args) == (3, 'kore-rpc', ('-x',))
    assert (config.priority, config.grace, config.time_budget) == ('m:f', 5.0, 9.0)
    assert (config.step_target, config.fail_fast) == (None, 'no')


def test_the_store_of_the_engine_does_not_depend_on_the_folder_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().run_config().store == tmp_path / '.kprover' / 'store.sqlite'
