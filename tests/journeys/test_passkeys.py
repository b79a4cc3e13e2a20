"""Staff with a passkey, in a real browser with an authenticator of its own, from enrolment to a wrong address."""

import time

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.journeys.code_app import fresh_code
from tests.journeys.people import is_accessible, staff_signs_in

pytestmark = pytest.mark.browser

CLINIC = "passkeys"
AGE_PROOFS = """
from django.conf import settings
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    told = row.get_decoded()
    if settings.SECOND_FACTOR_MARK in told:
        told[settings.SECOND_FACTOR_MARK] -= 300
        row.session_data = Session.get_session_store_class()().encode(told)
        row.save()
"""


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("new_clinic", identifier=CLINIC, minutes=540)  # from noon: of the same day


class Authenticator:
    """The authenticator of one browser window: a phone or computer that knows its owner."""

    def __init__(self, page: Page) -> None:
        self._to: CDPSession = page.context.new_cdp_session(page)
        self._to.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self._to.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list:
        return self._to.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def move_to(self, other: "Authenticator") -> None:
        """Put the same passkeys into another window's authenticator."""
        for one in self.credentials():
            other._to.send("WebAuthn.addCredential", {"authenticatorId": other.id, "credential": one})

    def forget_owner(self) -> None:
        self._to.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": False})


def gives_password(page: Page, told: dict, who: str) -> None:
    page.goto("/staff/sign-in/")
    page.locator("input[name=login]").fill(told[who])
    page.locator("input[name=password]").fill(told["password"])
    page.locator("main button[type=submit]").click()


def wait_for_another_code() -> None:
    """Wait for the next half minute: this one's code may have been used."""
    time.sleep(31 - time.time() % 30)


def is_in(page: Page) -> None:
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def looks(page: Page, product, name: str) -> None:
    """Keep a picture, wide and narrow; nothing may stick out of a phone's screen."""
    page.screenshot(path=product.folder / f"{name}-1280.png", full_page=True)
    page.set_viewport_size({"width": 375, "height": 812})
    page.screenshot(path=product.folder / f"{name}-375.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_passkey_is_made_opens_the_portal_and_confirms_what_is_dangerous(product, clinic, new_page):
    page = new_page()
    staff_signs_in(page, email=clinic["admin"], password=clinic["password"], secret=clinic["admin_secret"])
    device = Authenticator(page)
    page.goto("/staff/security/")
    is_accessible(page)
    looks(page, product, "own-login")
    page.get_by_role("link", name="Add a passkey").click()
    is_accessible(page)
    looks(page, product, "new-passkey")
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your login")
    expect(page.locator("main")).to_contain_text("Laptop")
    made = device.credentials()
    assert [one["rpId"] for one in made] == ["localhost"]

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("already")

    for link, name in (("Rename Laptop", "rename"), ("Take away Laptop", "take-away")):
        page.goto("/staff/security/")
        page.get_by_role("link", name=link).click()
        is_accessible(page)
        looks(page, product, name)
    for address, name in (("security/password", "own-password"), ("forgotten", "forgotten")):
        page.goto(f"/staff/{address}/")
        is_accessible(page)
        looks(page, product, name)

    page.goto("/staff/security/")
    page.get_by_role("button", name="Sign out").click()
    gives_password(page, clinic, "admin")
    is_accessible(page)
    looks(page, product, "second-step")
    page.get_by_role("button", name="Sign in with passkey").click()
    is_in(page)
    assert device.credentials()[0]["signCount"] > made[0]["signCount"]

    looks(page, product, "staff-frame")
    page.locator("a.account-name").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your login")

    product.manage("shell", "-c", AGE_PROOFS)
    page.goto(f"/{CLINIC}/admin/sign-in-methods/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Show that it is you")
    is_accessible(page)
    looks(page, product, "prove-again")
    page.get_by_role("button", name="Confirm with passkey").click()
    expect(page.locator("#notices")).not_to_be_empty()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Show that it is you")


def test_a_passkey_is_worth_nothing_at_another_address_or_without_its_owner(product, clinic, new_page):
    page = new_page()
    product.manage("reset_staff", clinic["secretary"], "--code-app")
    gives_password(page, clinic, "secretary")
    device = Authenticator(page)
    looks(page, product, "enrolment")
    page.get_by_role("link", name="Use a passkey instead").click()
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    is_accessible(page)
    looks(page, product, "recovery-codes")
    codes = page.locator("main code").all_inner_texts()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a file").click()
    assert saved.value.suggested_filename == "recovery-codes.txt"
    assert saved.value.path().read_text().split()[-10:] == codes
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    page.goto("/staff/security/")
    page.get_by_role("button", name="Sign out").click()

    other = new_page()
    elsewhere = product.address.replace("localhost", "127.0.0.1")
    other.context.add_cookies([{"name": "django_language", "value": "en", "url": elsewhere}])
    device.move_to(Authenticator(other))
    other.goto(f"{elsewhere}/staff/sign-in/")
    other.locator("input[name=login]").fill(clinic["secretary"])
    other.locator("input[name=password]").fill(clinic["password"])
    other.locator("main button[type=submit]").click()
    other.get_by_role("button", name="Sign in with passkey").click()
    expect(other.get_by_role("alert")).to_contain_text("only at the portal's own address")
    assert "/staff/sign-in/code/" in other.url

    device.forget_owner()
    gives_password(page, clinic, "secretary")
    page.get_by_role("button", name="Sign in with passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing came from the browser")
    page.locator("input[name=code]").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    is_in(page)


@pytest.mark.long
def test_without_scripts_there_is_the_code(product, clinic, new_page):
    before = new_page()
    wait_for_another_code()
    staff_signs_in(before, email=clinic["admin"], password=clinic["password"], secret=clinic["admin_secret"])
    Authenticator(before)
    before.goto("/staff/security/")
    before.get_by_role("link", name="Add a passkey").click()
    before.get_by_role("button", name="Make a passkey").click()
    expect(before.get_by_role("heading", level=1)).to_have_text("Your login")

    page = new_page(scripts=False)
    gives_password(page, clinic, "admin")
    expect(page.get_by_role("button", name="Sign in with passkey")).to_be_hidden()
    expect(page.locator("main")).to_contain_text("Passkeys need scripts")
    wait_for_another_code()
    page.locator("input[name=code]").fill(fresh_code(clinic["admin_secret"]))
    page.get_by_role("button", name="Sign in", exact=True).click()
    is_in(page)
