"""Rows stored together are stored as if each had been saved by itself, all or none."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from portal import audit
from portal.models import AuditEvent
from portal.together import Change, NotChanged, fresh, store_together
from services.booking.choices import AppointmentStatus, ReceiptKind, ReceiptRule
from services.booking.models import Appointment, Receipt
from services.booking.operations import receipts
from tests.build import make_clinic, make_patient, make_provider, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def new_appointment(**other):
    clinic = make_clinic()
    words = {
        "clinic": clinic,
        "patient": make_patient(clinic),
        "provider": make_provider(clinic),
        "starts_at": NOW,
        "ends_at": NOW.replace(hour=10),
        "status": AppointmentStatus.BOOKED,
        "reason": "Sore throat – 100 % {sure} 'or' not",
        "form_key": uuid4(),
        "requested_at": NOW,
        "decided_at": NOW,
        "requested_by": make_user(),
    }
    return Appointment(**{**words, **other})


def its_receipt(appointment):
    return receipts.receipt(appointment, ReceiptKind.BOOKED, ReceiptRule.AUTOMATIC, now=NOW)


def its_event(appointment, **details):
    return audit.event(
        action="appointment.booked", subject=appointment, actor=audit.SYSTEM, now=NOW, **details
    )


def values_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_one_statement_stores_an_appointment_its_receipt_and_its_event(django_assert_num_queries):
    appointment = new_appointment()
    receipt, event = its_receipt(appointment), its_event(appointment, before={"a": [1, None]})
    with django_assert_num_queries(1):
        store_together(appointment, receipt, event)
    stored = Appointment.objects.get()
    assert values_of(stored) == values_of(appointment)
    assert stored.reason == "Sore throat – 100 % {sure} 'or' not"
    for row, found in ((receipt, Receipt.objects.get()), (event, AuditEvent.objects.get())):
        row.pk = found.pk
        assert values_of(found) == values_of(row)
    assert not appointment._state.adding


def test_a_row_stored_together_equals_one_that_was_saved():
    saved, together = new_appointment(), new_appointment()
    saved.save(force_insert=True)
    store_together(together)
    assert Appointment.objects.filter(pk=together.pk).exists()
    one, other = (values_of(Appointment.objects.get(pk=row.pk)) for row in (saved, together))
    assert {name for name in one if one[name] != other[name]} == {
        "id",
        "clinic_id",
        "patient_id",
        "provider_id",
        "form_key",
        "requested_by_id",
    }


def test_a_row_stored_together_can_be_changed_and_saved_afterwards():
    appointment = new_appointment()
    store_together(appointment, its_receipt(appointment))
    appointment.reason = "Better now"
    appointment.save()
    assert Appointment.objects.get().reason == "Better now"


def test_when_one_is_refused_none_is_stored():
    first = new_appointment()
    store_together(first)
    again = new_appointment(clinic=first.clinic, patient=first.patient, form_key=first.form_key)
    with pytest.raises(IntegrityError), transaction.atomic():
        store_together(its_event(first), its_receipt(again), again)
    assert Appointment.objects.count() == 1
    assert not Receipt.objects.exists()
    assert not AuditEvent.objects.exists()
    assert again._state.adding


def test_a_row_that_points_at_nothing_is_refused_at_the_end():
    lonely = its_receipt(new_appointment())
    with pytest.raises(IntegrityError), transaction.atomic():
        store_together(lonely)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_depends_on_a_change_is_stored_with_it_or_not_at_all(django_assert_num_queries):
    first = new_appointment()
    first.save(force_insert=True)
    taking = Change(
        "UPDATE booking_appointment SET version = version + 1 WHERE id = %s AND version = %s RETURNING id",
        [first.pk, 1],
    )
    second = new_appointment()
    with django_assert_num_queries(1):
        store_together(second, its_receipt(second), unless_known=[its_event(second)], after=taking)
    assert values_of(Appointment.objects.get(pk=second.pk)) == values_of(second)
    assert Receipt.objects.count() == AuditEvent.objects.count() == 1
    third = new_appointment()
    with pytest.raises(NotChanged):
        store_together(third, its_receipt(third), unless_known=[its_event(third)], after=taking)
    assert not Appointment.objects.filter(pk=third.pk).exists()
    assert Receipt.objects.count() == AuditEvent.objects.count() == 1
    assert third._state.adding


def test_a_fresh_row_is_the_row_that_the_model_makes():
    told = {"appointment_id": uuid4(), "kind": ReceiptKind.BOOKED, "rule": ReceiptRule.AUTOMATIC, "at": NOW}
    ours, theirs = fresh(Receipt, **told, starts_at=NOW), Receipt(**told, starts_at=NOW)
    assert values_of(ours) == values_of(theirs)
    assert ours._state.adding
    assert ours._state.db is None


def test_fresh_rows_share_nothing():
    one, other = fresh(Appointment), fresh(Appointment)
    assert one.pk != other.pk
    one.overruled.append("a rule")
    assert other.overruled == []
    one.version = 7
    assert fresh(Appointment).version == 1


def test_a_fresh_row_takes_columns_and_nothing_else():
    with pytest.raises(TypeError, match="no column appointment"):
        fresh(Receipt, appointment=None)
