"""What the tests of sign-in share."""

from collections.abc import Iterator

import pytest

from clinic_admin.models import Clinic
from identity import oidc_metadata
from identity.models import IdentityProvider
from tests.build import make_clinic
from tests.identity.build_identity import FakeIdp, connect, record_for, running_idp


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test without what an earlier one remembered of providers."""
    monkeypatch.setattr(oidc_metadata, "memory", oidc_metadata.ProviderMemory())


@pytest.fixture
def idp() -> Iterator[FakeIdp]:
    with running_idp() as running:
        yield running


@pytest.fixture
def clinic(db: None) -> Clinic:
    clinic = make_clinic()
    record_for(clinic)
    return clinic


@pytest.fixture
def provider(clinic: Clinic, idp: FakeIdp) -> IdentityProvider:
    return connect(clinic, idp)
