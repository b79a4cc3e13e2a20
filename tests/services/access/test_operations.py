"""Saving rights."""

import pytest
from django.utils import timezone

from portal.models import AuditEvent
from services.access import operations
from services.access.choices import AccessRefusal, Approval, Column
from services.access.models import ProviderRights, SpecialRights
from services.access.operations import RightsRefused
from services.access.policy import AS_STANDARD, Rights
from services.access.policy import SpecialRights as Special
from tests.build import make_clinic, make_patient, make_provider, make_user

pytestmark = pytest.mark.django_db

BOOKING = Rights(booking=True, approval=Approval.AUTOMATIC)


@pytest.fixture
def by():
    return {"actor": make_user(), "now": timezone.now()}


def test_access_and_both_columns_are_one_change_with_before_and_after(by):
    clinic = make_clinic()
    provider = make_provider(clinic, has_portal_access=False)
    for _ in range(2):
        operations.save_services(
            clinic=clinic,
            provider_id=provider.pk,
            allowed=True,
            columns={Column.WITH_GP: BOOKING, Column.WITHOUT_GP: Rights()},
            **by,
        )
    provider.refresh_from_db()
    assert provider.has_portal_access
    assert ProviderRights.objects.get().values == BOOKING
    access, rights = AuditEvent.objects.order_by("id")
    assert (access.action, access.details) == ("portal_access.changed", {"before": False, "after": True})
    assert rights.action == "rights.changed"
    assert (rights.details["before"]["booking"], rights.details["after"]["booking"]) == (False, True)
    assert rights.details["column"] == "with-gp"


def test_nobody_changes_a_provider_of_another_clinic_or_one_who_left(by):
    clinic = make_clinic()
    for provider in (make_provider(make_clinic()), make_provider(clinic, is_active=False)):
        with pytest.raises(RightsRefused) as refused:
            operations.set_provider_rights(
                clinic=clinic, provider_id=provider.pk, column=Column.WITH_GP, rights=BOOKING, **by
            )
        assert refused.value.reason is AccessRefusal.UNKNOWN_PROVIDER
    assert not ProviderRights.objects.exists()


def test_portal_access_alone_can_be_switched(by):
    provider = make_provider(make_clinic())
    operations.set_portal_access(provider=provider, allowed=False, **by)
    provider.refresh_from_db()
    assert not provider.has_portal_access


def test_special_rights_are_stored_changed_and_reset(by):
    patient = make_patient(make_clinic())
    operations.set_special_rights(patient=patient, special=Special(consultation=True), **by)
    operations.set_special_rights(patient=patient, special=Special(consultation=True), **by)
    operations.set_special_rights(patient=patient, special=Special(booking=False), **by)
    assert SpecialRights.objects.get().values == Special(booking=False)
    operations.reset_special_rights(patient=patient, **by)
    operations.set_special_rights(patient=patient, special=AS_STANDARD, **by)
    assert not SpecialRights.objects.exists()
    trail = AuditEvent.objects.filter(action="special_rights.changed", patient_id=patient.pk).order_by("id")
    assert [event.details["after"]["consultation"] for event in trail] == [True, None, None]
    assert trail[2].details["before"]["booking"] is False
