"""Settings: where each comes from, and which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from sitwith_server import config
from sitwith_server.config import SettingError, Settings
from sitwith_server.media.limits import AUDIO_SLOTS

SECRET = "the-operators-own-key"


def load(
    environ: Mapping[str, str] | None = None, *, file: Path | None = None, **flags: str
) -> config.Loaded:
    return config.load(flags, environ or {}, file=file)


def refusal(environ: Mapping[str, str] | None = None, **flags: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        config.load(flags, environ or {})
    return caught.value


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "sitwith.toml"


def test_without_anything_every_setting_is_its_default() -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.sources) == set(config.names())
    assert set(loaded.sources.values()) == {"default"}


def test_a_flag_beats_the_environment_which_beats_the_file(toml: Path) -> None:
    toml.write_text("port = 1001\nhost = '::1'\nworkers = 1\ndrain_seconds = 2.5\n")
    environ = {"SITWITH_PORT": "1002", "SITWITH_HOST": "0.0.0.0"}
    loaded = load(environ, file=toml, port="1003")
    assert (loaded.settings.port, loaded.settings.host) == (1003, "0.0.0.0")
    assert loaded.settings.drain_seconds == 2.5
    assert loaded.sources["port"] == "flag --port"
    assert loaded.sources["host"] == "environment SITWITH_HOST"
    assert loaded.sources["drain_seconds"] == f"file {toml}"
    assert loaded.sources["log_level"] == "default"


def test_the_environment_may_name_the_file(toml: Path) -> None:
    toml.write_text('allowed_origins = ["https://a.example", "https://b.example:444"]\n')
    loaded = load({"SITWITH_CONFIG": str(toml)})
    assert loaded.settings.allowed_origins == ("https://a.example", "https://b.example:444")


def test_an_empty_variable_is_no_setting() -> None:
    assert load({"SITWITH_OPERATOR_KEY": "", "SITWITH_PORT": ""}).settings == Settings()


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", "8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "8000", "http://127.0.0.1:8000"),
        ("::", "80", "http://[::1]"),
        ("[::1]", "9000", "http://[::1]:9000"),
        ("circle.example", "80", "http://circle.example"),
        ("0:0:0:0:0:0:0:1", "8000", "http://[::1]:8000"),
        ("0:0:0:0:0:0:0:0", "8000", "http://[::1]:8000"),
        ("Bücher.example", "8000", "http://xn--bcher-kva.example:8000"),
    ],
)
def test_the_public_url_follows_host_and_port(host: str, port: str, url: str) -> None:
    assert load(host=host, port=port).settings.public_url == url


def test_a_page_on_a_loopback_address_may_come_by_either_name() -> None:
    both = {"http://127.0.0.1:9000", "http://localhost:9000"}
    assert set(load(port="9000").settings.allowed_origins) == both
    assert set(load(public_url="http://localhost:9000").settings.allowed_origins) == both


def test_a_page_elsewhere_comes_by_its_own_origin_alone() -> None:
    settings = load(public_url="https://Circle.example/").settings
    assert settings.public_url == "https://circle.example"
    assert settings.allowed_origins == ("https://circle.example",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "eighty"),
        ("port", "80.5"),
        ("host", "two words"),
        ("public_url", "circle.example"),
        ("public_url", "ftp://circle.example"),
        ("public_url", "https://circle.example/path"),
        ("public_url", "https://who@circle.example"),
        ("public_url", "https://circle.example:port"),
        ("allowed_origins", "*"),
        ("allowed_origins", "null"),
        ("allowed_origins", "https://a.example, https://b.example/x"),
        ("metrics", "9464"),
        ("metrics", "localhost:9464"),
        ("metrics", "127.0.0.1:0"),
        ("metrics", "127.0.0.1:65536"),
        ("metrics", "::1:9464"),
        ("metrics", "[127.0.0.1]:9464"),
        ("sockets", "-1"),
        ("sockets_per_address", "0"),
        ("upload_bytes", "1000000"),
        ("trusted_proxies", "proxy.example"),
        ("trusted_proxies", "*"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "127.0.0.1, 0.0.0.0/0"),
        ("trusted_proxies", "::/0"),
        ("operator_key", "two words"),
        ("operator_key", "schlüssel"),
        ("operator_key", "fifteen-bytes-x"),
        ("workers", "0"),
        ("workers", "2"),
        ("redis_url", "http://redis"),
        ("drain_seconds", "nan"),
        ("drain_seconds", "-1"),
        ("drain_seconds", "inf"),
        ("room_ttl", "1"),
        ("forget_seconds", "9"),
        ("forget_seconds", "86401"),
        ("forget_seconds", "60.5"),
        ("grace_seconds", "0"),
        ("outbox_bytes", "1"),
        ("max_frame", "1"),
        ("log_level", "loud"),
        ("media", "asterisk"),
        ("media_address", "media.example"),
        ("media_bind", "all"),
        ("media_port", "65536"),
        ("media_nodes", "-2"),
        ("media_voices", "0"),
        ("media_voices", "12"),
        ("janus_guards", "http://gateway:8189"),
        ("janus_guards", "gateway:65536"),
        ("janus_urls", "http://gateway:8188"),
        ("janus_urls", "ws://who@gateway:8188"),
        ("turn_urls", "stun:turn.example.org"),
        ("turn_urls", "turn:turn.example.org?transport=sctp"),
        ("turn_ttl", "601"),
        ("turn_relay_only", "maybe"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.load({name: value}, {})
    by_flag = caught.value
    assert by_flag.name == name
    assert str(by_flag).startswith(f"{name} (flag --{name.replace('_', '-')}): ")
    by_variable = refusal({config.variable(name): value})
    assert str(by_variable).startswith(f"{name} (environment SITWITH_{name.upper()}): ")


def test_an_outbox_must_hold_what_it_is_sent() -> None:
    assert refusal(outbox_bytes="65536", max_frame="65536").name == "outbox_bytes"


def test_more_workers_need_something_to_share() -> None:
    assert load(workers="4", redis_url="redis://localhost").settings.workers == 4


def test_networks_have_one_form() -> None:
    given = "127.0.0.1 10.0.0.0/8, ::ffff:192.0.2.0/120 2001:DB8:0::/64,10.0.0.0/8"
    assert load(trusted_proxies=given).settings.trusted_proxies == (
        "127.0.0.1/32",
        "10.0.0.0/8",
        "192.0.2.0/24",
        "2001:db8::/64",
    )


def test_media_settings_that_need_each_other() -> None:
    assert refusal(media="janus").name == "janus_urls"
    assert refusal(turn_urls="turn:turn.example.org").name == "turn_secret"
    assert refusal(turn_relay_only="true").name == "turn_relay_only"
    urls = "turn:a.example, turns:[2001:db8::1]:5349?transport=tcp"
    made = load(turn_urls=urls, turn_secret="s", turn_relay_only="yes").settings
    assert made.turn_urls == ("turn:a.example", "turns:[2001:db8::1]:5349?transport=tcp")
    assert made.turn_relay_only is True
    assert load(media="Janus", janus_urls="ws://a:1, wss://b").settings.janus_urls == (
        "ws://a:1",
        "wss://b",
    )
    two, guards = "ws://a:1, ws://b:1", "a:2, [2001:db8::1]"
    made = load(janus_urls=two, janus_guards=guards).settings
    assert made.janus_guards == ("a:2", "[2001:db8::1]")
    assert refusal(janus_urls=two, janus_guards="a:2").name == "janus_guards"


def test_how_many_voices_are_heard_at_once_is_all_that_have_a_slot() -> None:
    assert load().settings.media_voices == AUDIO_SLOTS
    assert load(media_voices="1").settings.media_voices == 1


def test_a_file_has_truths_as_toml_has_them(toml: Path) -> None:
    text = 'turn_urls = ["turn:a.example"]\nturn_secret = "s"\nturn_relay_only = true\n'
    toml.write_text(text)
    assert load(file=toml).settings.turn_relay_only is True


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("prot = 1\n", "prot"),
        ("port = true\n", "port"),
        ("port = [1]\n", "port"),
        ("[server]\nport = 1\n", "server"),
        ("port = \n", "config"),
    ],
)
def test_a_bad_file_is_refused_by_name(toml: Path, text: str, name: str) -> None:
    toml.write_text(text)
    with pytest.raises(SettingError) as caught:
        load(file=toml)
    assert caught.value.name == name
    assert str(toml) in str(caught.value)


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingError) as caught:
            load(file=file)
        assert caught.value.name == "config"


def test_a_file_that_is_not_text_is_refused(toml: Path) -> None:
    toml.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError):
        load(file=toml)


def test_secrets_are_in_no_refusal_no_repr_and_no_row(toml: Path) -> None:
    bad = [refusal(operator_key=f"{SECRET} x"), refusal(redis_url=f"http://u:{SECRET}@h")]
    toml.write_text(f'operator_key = "{SECRET}\n')
    with pytest.raises(SettingError) as caught:
        load(file=toml)
    loaded = load(operator_key=SECRET, redis_url=f"redis://u:{SECRET}@h:6379/1")
    shown = [*map(str, bad), str(caught.value), repr(loaded), repr(config.rows(loaded))]
    assert [text for text in shown if SECRET in text] == []
    rows = {row.name: row.value for row in config.rows(loaded)}
    assert rows["operator_key"] == config.MASK
    assert rows["redis_url"] == f"redis://u:{config.MASK}@h:6379/1"


def test_rows_show_value_default_and_source() -> None:
    rows = {row.name: row for row in config.rows(load({"SITWITH_PORT": "9000"}))}
    assert tuple(rows) == config.names()
    port = rows["port"]
    assert (port.value, port.default, port.source) == (9000, 8000, "environment SITWITH_PORT")
    assert rows["public_url"].default == "http://127.0.0.1:9000"
    assert all(row.help and row.variable == f"SITWITH_{row.name.upper()}" for row in rows.values())


def test_a_variable_that_names_no_setting_is_told() -> None:
    environ = {"SITWITH_PROT": "1", "SITWITH_PORT": "1", "HOME": "/", "SITWITH_CONFIG": ""}
    assert load(environ).unknown == ("SITWITH_PROT",)


def test_a_commands_own_defaults_give_way_to_everything() -> None:
    defaults = {"log_level": "warning", "operator_key": SECRET}
    assert config.load({}, {}, defaults=defaults).settings.log_level == "warning"
    given = config.load({}, {"SITWITH_LOG_LEVEL": "debug"}, defaults=defaults).settings
    assert (given.log_level, given.operator_key) == ("debug", SECRET)
