"""What `check --deploy` says before the product meets patients."""

import pytest
from django.core.checks import run_checks

OURS = {"venterom.E001", "venterom.E002", "venterom.E003", "venterom.E004"}


def found():
    """Return which of the kernel's checks complain; other areas have their own."""
    return {check.id for check in run_checks(include_deployment_checks=True)} & OURS


@pytest.fixture
def production(settings):
    settings.IS_DEVELOPMENT = False
    settings.IS_HTTPS = True
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC1", "token"
    settings.INDEX_KEY, settings.VENDOR_SECRET = b"k" * 32, "v" * 32
    return settings


def test_a_production_with_everything_has_nothing_to_mend(production):
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("IS_HTTPS", False, "venterom.E001"),
        ("TWILIO_AUTH_TOKEN", "", "venterom.E002"),
        ("TWILIO_ACCOUNT_SID", "", "venterom.E002"),
        ("IS_DEVELOPMENT", True, "venterom.E003"),
        ("INDEX_KEY", b"short", "venterom.E004"),
        ("VENDOR_SECRET", "short", "venterom.E004"),
    ],
)
def test_what_would_be_dangerous_is_an_error(production, name, value, code):
    setattr(production, name, value)
    assert found() == {code}
