"""Workers that different test runners start don't take each other's messages."""

import pytest

from tests.broker import apart


@pytest.mark.parametrize(
    ("address", "runner", "expected"),
    [
        (
            "redis+socket:///run/a%20b/valkey.sock?virtual_host=0",
            "gw0",
            "redis+socket:///run/a%20b/valkey.sock?virtual_host=1",
        ),
        (
            "redis+socket:///run/valkey.sock?virtual_host=0",
            "gw3",
            "redis+socket:///run/valkey.sock?virtual_host=4",
        ),
        ("redis://:secret@host:6379/0", "master", "redis://:secret@host:6379/1"),
        ("rediss://host:6379", "gw14", "rediss://host:6379/15"),
        ("redis://host:6379/0", "gw15", "redis://host:6379/1"),
    ],
)
def test_each_runner_has_a_database_of_the_broker_to_itself(address, runner, expected):
    assert apart(address, runner) == expected
