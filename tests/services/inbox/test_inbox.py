"""The staff's inbox: pages by key, whose it is, and nobody else's items."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from services.inbox import operations, queries
from services.inbox.choices import Box, ItemKind, ItemRefusal
from services.inbox.models import InboxItem
from services.inbox.operations import ItemRefused
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def post(clinic):
    return sign_in_staff(Client(), clinic, Role.ASSISTANT)


def add(clinic, count=1, **values):
    now = timezone.now()
    rows = [
        InboxItem(
            clinic=clinic,
            kind=ItemKind.REGISTRATION,
            subject_id=uuid.uuid4(),
            who=f"Person {number}",
            opened_at=now - timedelta(minutes=count - number),
            **values,
        )
        for number in range(count)
    ]
    return InboxItem.objects.bulk_create(rows)


def everything(clinic, post, box):
    found, after = [], None
    while True:
        heap = queries.heap(clinic=clinic, box=box, staff_member=post, after=after)
        found += heap.items
        if heap.following is None:
            return found
        after = heap.following


def test_pages_hold_every_item_once_the_longest_wait_first(clinic, post):
    rows = add(clinic, 75)
    found = everything(clinic, post, Box.ALL)
    assert [item.pk for item in found] == [item.pk for item in rows]


def test_what_is_done_stands_latest_first(clinic, post):
    now = timezone.now()
    for number, item in enumerate(add(clinic, 65)):
        InboxItem.objects.filter(pk=item.pk).update(closed_at=now - timedelta(minutes=number // 2))
    found = everything(clinic, post, Box.DONE)
    assert len({item.pk for item in found}) == 65
    assert [item.closed_at for item in found] == sorted((item.closed_at for item in found), reverse=True)
    assert not everything(clinic, post, Box.ALL)


def test_mine_and_nobodys(clinic, post):
    mine, free = add(clinic, 2)
    operations.assign(clinic=clinic, item_id=mine.pk, seen=None, to=post, actor=post.user, now=timezone.now())
    assert [item.pk for item in everything(clinic, post, Box.MINE)] == [mine.pk]
    assert [item.pk for item in everything(clinic, post, Box.UNASSIGNED)] == [free.pk]


def test_whoever_comes_second_does_not_take_it_away(clinic, post):
    item = add(clinic)[0]
    other = sign_in_staff(Client(), clinic, Role.ASSISTANT)
    given = {"clinic": clinic, "item_id": item.pk, "seen": None, "now": timezone.now()}
    operations.assign(to=post, actor=post.user, **given)
    with pytest.raises(ItemRefused) as refused:
        operations.assign(to=other, actor=other.user, **given)
    assert refused.value.reason == ItemRefusal.TAKEN


def test_what_is_done_can_not_be_taken(clinic, post):
    item = add(clinic)[0]
    operations.close_item(
        clinic=clinic, kind=item.kind, subject_id=item.subject_id, actor=post.user, now=timezone.now()
    )
    with pytest.raises(ItemRefused):
        operations.assign(
            clinic=clinic, item_id=item.pk, seen=None, to=post, actor=post.user, now=timezone.now()
        )


def test_opening_twice_is_once(clinic):
    subject = uuid.uuid4()
    for _ in range(2):
        operations.open_item(
            clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=subject, who="A", now=timezone.now()
        )
    assert InboxItem.objects.count() == 1


def test_another_clinics_item_is_not_found(clinic):
    item = add(make_clinic())[0]
    client = Client()
    sign_in_staff(client, clinic, Role.ASSISTANT)
    path = reverse("inbox:assign", args=[clinic.portal_identifier, item.pk])
    assert client.post(path, {"act": "take"}).status_code == 404
    assert (
        item.who not in client.get(reverse("inbox:inbox", args=[clinic.portal_identifier])).content.decode()
    )


def test_the_page_takes_few_queries_however_many_wait(clinic, django_assert_max_num_queries):
    client = Client()
    sign_in_staff(client, clinic, Role.ASSISTANT)
    add(clinic, 60)
    client.get(
        reverse("inbox:inbox", args=[clinic.portal_identifier])
    )  # a session notes its use once a minute
    with django_assert_max_num_queries(6):
        page = client.get(reverse("inbox:inbox", args=[clinic.portal_identifier]))
    assert page.content.decode().count("data-unread") == queries.PER_PAGE


def test_it_is_searched_by_name(clinic, post):
    add(clinic, 12)
    add(clinic, 1)
    InboxItem.objects.filter(who="Person 0").update(who="Åse Ødegård-Moe")

    def found(name):
        heap = queries.heap(clinic=clinic, box=Box.ALL, staff_member=post, name=name)
        return {item.who for item in heap.items}

    assert found("pers 11") == {"Person 11"}
    assert found("aase moe") == found("ØDEG") == {"Åse Ødegård-Moe"}
    assert found("son") == found("100%") == set()


def test_a_name_among_many_is_found_through_its_index(clinic, post):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_inboxitem (id, clinic_id, kind, subject_id, who, opened_at) "
            "SELECT gen_random_uuid(), %s, 'registration', gen_random_uuid(), "
            "'Given' || n || ' Family' || n %% 997, now() - n * interval '1 s' FROM generate_series(1, 30000) n",
            [clinic.pk],
        )
        cursor.execute("SELECT gin_clean_pending_list('inbox_item_by_name')")  # as the clock of Postgres does
        cursor.execute("ANALYZE inbox_inboxitem")
    rows = InboxItem.objects.filter(clinic=clinic, closed_at=None, search_name__contains=" family123")
    plan = rows.order_by("opened_at", "pk")[:31].explain()
    assert "inbox_item_by_name" in plan, plan


def test_a_page_of_many_items_is_read_from_an_index(clinic, post):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_inboxitem (id, clinic_id, kind, subject_id, who, opened_at) "
            "SELECT gen_random_uuid(), %s, 'registration', gen_random_uuid(), 'x', now() - n * interval '1 s' "
            "FROM generate_series(1, 20000) n",
            [clinic.pk],
        )
        cursor.execute("SELECT gin_clean_pending_list('inbox_item_by_name')")  # as the clock of Postgres does
        cursor.execute("ANALYZE inbox_inboxitem")
    rows = InboxItem.objects.filter(clinic=clinic, closed_at=None).order_by("opened_at", "pk")[:31]
    plan = rows.explain()
    assert "inbox_item_waiting" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(("box", "index"), [(Box.ALL, "inbox_item_waiting"), (Box.DONE, "inbox_item_done")])
def test_a_late_page_is_read_from_where_it_begins(clinic, post, box, index):
    """And not from the first item on: nine tenths of three thousand lie before it."""
    rows = add(clinic, 3000)
    if box == Box.DONE:
        InboxItem.objects.update(closed_at=F("opened_at"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inbox_inboxitem")
    last = rows[300] if box == Box.DONE else rows[2700]
    with CaptureQueriesContext(connection) as asked:
        heap = queries.heap(clinic=clinic, box=box, staff_member=post, after=last.pk)
    assert len(heap.items) == queries.PER_PAGE
    with connection.cursor() as cursor:
        # indexes that other tests have blown up look dearer than reading all of so few
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN ANALYZE {asked[-1]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan
    removed = [int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert sum(removed) <= 1, plan
