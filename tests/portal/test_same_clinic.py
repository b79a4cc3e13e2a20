"""A row of one clinic can't point at a row of another."""

import pytest
from django.db import IntegrityError, connection

from delegation.models import MatrixTick
from tests.build import make_clinic, make_patient, make_provider

pytestmark = pytest.mark.django_db


def test_a_patients_gp_works_at_the_patients_clinic():
    make_patient(make_clinic(), gp=make_provider(make_clinic()))
    with pytest.raises(IntegrityError):
        connection.check_constraints()


def test_a_tick_names_a_provider_of_its_own_clinic():
    with pytest.raises(IntegrityError):
        MatrixTick.objects.create(
            clinic=make_clinic(), service="booking", provider=make_provider(make_clinic())
        )
        connection.check_constraints()
