"""A Danish clinic with a patient and a SAML provider, for the tests of SAML."""

import pytest
from django.test import Client
from django.utils import timezone

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity.models import IdentityProvider
from patients.models import Patient
from tests.build import make_clinic
from tests.identity.build_identity import record_for
from tests.identity.build_saml import CPR, Asked, begin_saml, connect_saml


@pytest.fixture
def clinic(db: None) -> Clinic:
    clinic = make_clinic(country=Country.DENMARK)
    record = record_for(clinic, CPR)
    Patient.objects.filter(pk=record.pk).update(registered_at=timezone.now())
    return clinic


@pytest.fixture
def provider(clinic: Clinic) -> IdentityProvider:
    return connect_saml(clinic)


@pytest.fixture
def asked(client: Client, clinic: Clinic, provider: IdentityProvider) -> Asked:
    return begin_saml(client, clinic)
