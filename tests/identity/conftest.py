"""What the tests of sign-in share."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from clinic_admin.models import Clinic
from identity import operations
from identity.models import IdentityProvider, User
from identity.oidc import metadata as oidc_metadata
from tests.build import make_clinic, make_staff_member
from tests.identity.build_identity import FakeIdp, connect, record_for, running_idp
from tests.identity.build_staff import EMAIL, PASSWORD, SECRET, wait_for_a_young_code


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


@pytest.fixture
def office(db: None) -> Clinic:
    """Where staff of these tests work."""
    return make_clinic()


@pytest.fixture
def user(office: Clinic) -> User:
    """Someone on the staff with a password and nothing else yet."""
    user = operations.create_staff_user(
        email=EMAIL, name="Siv Sekretær", password=PASSWORD, actor=None, now=timezone.now()
    )
    make_staff_member(office, user=user)
    return user


@pytest.fixture
def enrolled(user: User) -> User:
    """The same with a code app, at a moment when its code is young."""
    operations.set_totp(user, SECRET, actor=None, now=timezone.now())
    wait_for_a_young_code()
    return user
