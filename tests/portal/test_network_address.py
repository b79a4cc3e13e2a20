"""Where requests come from: what is believed, and how the trail forgets the whole of it after 90 days."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from identity.tasks import shorten_network_addresses
from portal import audit, network_address
from portal.models import AuditEvent
from tests.build import make_clinic


def seen(**meta):
    with network_address.remembered(RequestFactory().get("/", **meta)):
        return network_address.current()


def test_outside_of_a_request_there_is_no_address():
    assert network_address.current() is None
    assert seen(REMOTE_ADDR="192.0.2.7") == "192.0.2.7"
    assert network_address.current() is None


def test_c13_a_forwarding_header_counts_only_behind_a_proxy_and_only_what_the_proxy_wrote(settings):
    told = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.9, 192.0.2.7"}
    assert seen(**told) == "10.0.0.1"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert seen(**told) == "192.0.2.7"


@pytest.mark.parametrize(
    ("meta", "taken"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("fe80::1%eth0", "fe80::1"), ("unix:", None), ("", None)],
)
def test_an_odd_address_is_taken_as_what_it_is_or_left_out(meta, taken):
    assert seen(REMOTE_ADDR=meta) == taken


def test_without_an_address_limits_refuse():
    with pytest.raises(PermissionDenied):
        network_address.of(RequestFactory().get("/", REMOTE_ADDR=""))


@pytest.mark.parametrize(
    ("address", "short"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
    ],
)
def test_an_address_is_cut_to_its_network(address, short):
    assert network_address.shortened(address) == short


def make_events(addresses, *, days):
    clinic, at = make_clinic(), timezone.now() - timedelta(days=days)
    for one in addresses:
        audit.record(action="auth.start", subject=clinic, actor=audit.SYSTEM, now=at, from_address=one)


@pytest.mark.django_db
def test_w16_after_90_days_the_trail_holds_the_network_only(monkeypatch):
    monkeypatch.setattr(network_address, "AT_ONCE", 2)
    make_events(["192.0.2.77", "2001:db8:1:2::3", "198.51.100.1", None], days=91)
    make_events(["192.0.2.78"], days=89)
    before = list(AuditEvent.objects.order_by("pk").values_list("pk", "at", "details"))
    shorten_network_addresses()
    kept = AuditEvent.objects.order_by("pk").values_list("network_address", flat=True)
    assert list(kept) == ["192.0.2.0/24", "2001:db8:1::/48", "198.51.100.0/24", None, "192.0.2.78"]
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", "at", "details")) == before
    assert network_address.shorten_old(now=timezone.now()) == 0, "what is done is not found again"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "network_address = '203.0.113.5'",
        "network_address = NULL",
        "network_address = '192.0.0.0/16'",
        "network_address = '192.0.2.0/24', action = 'auth.success'",
        "network_address = '192.0.2.0/24', details = '{\"a\": 1}'",
    ],
)
def test_w16_nothing_else_in_the_trail_can_change(change):
    make_events(["192.0.2.77"], days=91)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE portal_auditevent SET {change}")
    assert AuditEvent.objects.get().network_address == "192.0.2.77"


@pytest.mark.django_db
def test_the_nightly_job_reads_an_index_and_not_the_whole_trail():
    make_events(["192.0.2.77"], days=91)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + network_address._SHORTEN, [24, 48, timezone.now(), 1000])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "audit_whole_address" in plan
