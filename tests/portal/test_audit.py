"""The audit trail."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic, make_user


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_fails_loudly():
    clinic = make_clinic()
    with pytest.raises(audit.OutsideTransaction):
        audit.record(action="clinic.changed", subject=clinic, actor=audit.SYSTEM, now=timezone.now())


@pytest.mark.django_db
def test_an_event_names_who_what_and_when():
    clinic, user, now = make_clinic(), make_user(), timezone.now()
    audit.record(
        action="clinic.changed", subject=clinic, actor=user, now=now, clinic_id=clinic.pk, after="on"
    )
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_kind, event.subject_id, event.at) == (
        user.pk,
        "staff",
        str(clinic.pk),
        now,
    )
    assert event.details == {"after": "on"}


@pytest.mark.django_db
@pytest.mark.parametrize("change", [lambda rows: rows.update(action="x"), lambda rows: rows.delete()])
def test_the_trail_can_only_grow(change):
    audit.record(action="clinic.changed", subject=make_clinic(), actor=audit.SYSTEM, now=timezone.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        change(AuditEvent.objects.all())
