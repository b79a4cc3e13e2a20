"""How many patients a setting reaches, at the size of a large clinic."""

import time
import uuid

import pytest
from django.db import connection

from clinic_admin.choices import Service
from clinic_admin.models import Provider
from delegation.models import MatrixTick
from delegation.policy import Tick
from identity.choices import Assurance
from patients.models import Patient
from services.access import queries
from services.access.choices import Approval, Column
from services.access.models import ProviderRights, SpecialRights
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import EVERYONE, TUESDAY, give, tick

pytestmark = pytest.mark.django_db

PATIENTS, PROVIDERS = 20_000, 40


def make_large_clinic():
    clinic = make_clinic()
    providers = Provider.objects.bulk_create(
        Provider(
            clinic=clinic,
            name=f"Lege {n}",
            initials=f"L{n}",
            kind="gp",
            has_patient_list=True,
            has_portal_access=True,
        )
        for n in range(PROVIDERS)
    )
    ProviderRights.objects.bulk_create(
        ProviderRights(provider=provider, column=column, booking=True, consultation=True, renewal=True)
        for provider in providers
        for column in Column
    )
    MatrixTick.objects.bulk_create(
        MatrixTick(clinic=clinic, service=service, row=row, provider=provider)
        for service in Service
        for row in [*providers, None]
        for provider in providers
    )
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            given_name="Line",
            family_name="Danser",
            gp=providers[n % PROVIDERS] if n % 7 else None,
            is_active=n % 50 != 0,
            national_id="x" if n % 40 else None,
            national_id_index=uuid.uuid4().hex if n % 40 else None,
        )
        for n in range(PATIENTS)
    )
    SpecialRights.objects.bulk_create(
        SpecialRights(
            patient=patient, consultation=bool(n % 2), approval=Approval.AUTOMATIC if n % 3 else None
        )
        for n, patient in enumerate(patients[::100])
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself once rows are there
    return clinic, providers


def test_a_large_clinic_is_counted_at_once(django_assert_num_queries):
    clinic, providers = make_large_clinic()
    with django_assert_num_queries(2):
        started = time.perf_counter()
        reached = queries.reach(clinic=clinic, day=TUESDAY, assurance=Assurance.HIGH)
        elapsed = time.perf_counter() - started
    in_order = Patient.objects.filter(clinic=clinic, is_active=True, national_id_index__isnull=False)
    assert reached[Service.BOOKING, providers[0].pk] == in_order.count()
    assert (
        reached[Service.CONSULTATION, providers[0].pk]
        == in_order.exclude(special_rights__consultation=False).count()
    )
    assert elapsed < 5, f"{elapsed:.3f} s: more than the machine's other work explains"


def test_ticks_that_are_not_saved_yet_can_be_tried():
    clinic = make_clinic()
    koman, lent = make_provider(clinic), make_provider(clinic)
    for provider in (koman, lent):
        give(provider, booking=True)
    tick(koman, koman, EVERYONE)
    for gp in (koman, koman, lent):
        make_patient(clinic, gp=gp)
    tried = frozenset({Tick(Service.BOOKING, koman.pk, lent.pk), Tick(Service.BOOKING, lent.pk, lent.pk)})
    assert queries.reach(clinic=clinic, day=TUESDAY) == {(Service.BOOKING, koman.pk): 2}
    assert queries.reach(clinic=clinic, day=TUESDAY, ticks=tried) == {(Service.BOOKING, lent.pk): 3}
