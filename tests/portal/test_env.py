"""Settings from the environment: bad values are refused with a sentence that names the variable."""

import base64

import pytest

from portal import env

KEY = base64.b64encode(b"k" * 32).decode()


def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("SOMETHING", raising=False)
    with pytest.raises(env.BadSetting, match=r"SOMETHING is not set.*\.env\.example"):
        env.text("SOMETHING")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda: env.choice("SOMETHING", ["a", "b"]), "c"),
        (lambda: env.flag("SOMETHING", default=True), "perhaps"),
        (lambda: env.number("SOMETHING", 1, least=1, most=9), "10"),
        (lambda: env.number("SOMETHING", 1, least=1, most=9), "one"),
        (lambda: env.web_address("SOMETHING"), "portal.example"),
        (lambda: env.database("SOMETHING"), "mysql://user@host/name"),
        (lambda: env.database("SOMETHING"), "postgresql://user@host/"),
        (lambda: env.database("SOMETHING"), "postgresql://user@host:abc/name"),
        (lambda: env.broker("SOMETHING"), "localhost"),
        (lambda: env.keys("SOMETHING"), "k1:short"),
        (lambda: env.keys("SOMETHING"), KEY),
    ],
)
def test_a_bad_value_is_refused_with_its_name(monkeypatch, read, value):
    monkeypatch.setenv("SOMETHING", value)
    with pytest.raises(env.BadSetting, match="SOMETHING"):
        read()


def test_a_command_says_what_is_wrong_in_a_sentence_and_not_in_a_trace(settings):
    import os
    import subprocess
    import sys

    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.ROOT,
        env=os.environ | {"LOG_LEVEL": "loud"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr == "LOG_LEVEL is 'loud', but it must be one of: DEBUG, INFO, WARNING.\n"


def test_a_bad_key_is_never_repeated_in_the_message(monkeypatch):
    monkeypatch.setenv("SOMETHING", "k1:c2VjcmV0")
    with pytest.raises(env.BadSetting) as refused:
        env.keys("SOMETHING")
    assert "c2VjcmV0" not in str(refused.value)


def test_good_values_are_read(monkeypatch):
    monkeypatch.setenv("SOMETHING", f"k2:{KEY}, k1:{KEY}")
    assert [name for name, _ in env.keys("SOMETHING")] == ["k2", "k1"]
    monkeypatch.setenv("SOMETHING", "postgresql://me:p%40ss@db:5433/venterom")
    assert env.database("SOMETHING")["PASSWORD"] == "p@ss"
    monkeypatch.setenv("SOMETHING", "postgresql://me@/venterom?host=/run/pg%20one")
    assert env.database("SOMETHING")["HOST"] == "/run/pg one"
    monkeypatch.setenv("SOMETHING", "https://portal.example/")
    assert env.web_address("SOMETHING") == "https://portal.example"


def test_every_variable_of_the_settings_is_explained(settings):
    import re

    used = set(
        re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (settings.ROOT / "portal" / "settings.py").read_text())
    )
    explained = set(re.findall(r"^([A-Z_]+)=", (settings.ROOT / ".env.example").read_text(), re.M))
    assert used - explained <= {"TEST_DATABASE", "SSL_REDIRECT", "STATIC_ROOT"}
