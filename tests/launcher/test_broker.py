"""Life and death of the embedded broker."""

import os
import signal

import pytest
import redis
from kombu import Connection

from launcher.broker import EmbeddedBroker


@pytest.fixture
def make_broker(tmp_path):
    made = []

    def make(*, keep):
        broker = EmbeddedBroker(tmp_path / "broker", keep=keep)
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.stop()


def client(broker):
    return redis.Redis(unix_socket_path=str(broker.socket))


def test_what_the_demo_queued_survives_a_killed_broker(make_broker):
    broker = make_broker(keep=True)
    broker.start()
    with client(broker) as connection:
        connection.set("kept", "yes")
    os.kill(broker._process.pid, signal.SIGKILL)
    broker._process.wait()
    assert broker.failure() is not None
    broker.start()
    with client(broker) as connection:
        assert connection.get("kept") == b"yes"


def test_the_address_is_one_that_celery_reads(make_broker):
    broker = make_broker(keep=False)
    broker.start()
    with Connection(broker.url()) as connection:
        connection.ensure_connection(max_retries=1)
        assert connection.as_uri().startswith("redis+socket://")


def test_only_its_owner_reaches_it(make_broker):
    broker = make_broker(keep=False)
    broker.start()
    assert broker.socket.parent.stat().st_mode & 0o077 == 0
    with client(broker) as connection:
        assert connection.config_get("port") == {"port": "0"}


def test_a_stopped_broker_answers_no_more_and_stops_twice(make_broker):
    broker = make_broker(keep=False)
    broker.start()
    broker.stop()
    assert not broker._answers()
    broker.stop()
