"""An account with password and code, from the staff's page to a booked time, on a phone's screen."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.people import books, imported, is_accessible, says_that_it_is_right, staff_signs_in

pytestmark = pytest.mark.browser

CLINIC = "codes"
PASSWORD = "Fjell-og-hav-7"
EMAIL = "reisende@x.example"


@pytest.fixture(scope="module")
def clinic(product):
    """A clinic with its patients, booking open, and every way of signing in still to be chosen."""
    told = product.fill("new_clinic", identifier=CLINIC, minutes=90)
    return told | {"patients": imported(product, CLINIC, count=100)}


def arrived(page, to, pattern, *, within=60):
    """Return what the pattern finds in the newest message to the number or address on the demo's phone."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        page.goto(f"/dev/phone/?to={to.replace('+', '%2B')}")
        found = re.search(pattern, page.locator("main").inner_text())
        if found:
            return found[1]
        time.sleep(0.5)
    raise AssertionError(page.locator("main").inner_text())


def test_staff_make_an_account_and_the_patient_signs_in_with_a_code(clinic, new_page):
    patient = clinic["patients"][0]
    admin = new_page()
    staff_signs_in(admin, email=clinic["admin"], password=clinic["password"], secret=clinic["admin_secret"])
    admin.goto(f"/{CLINIC}/admin/sign-in-methods/")
    admin.get_by_label("Password and code by SMS").check()
    is_accessible(admin)
    admin.get_by_role("button", name="Save").click()
    admin.goto(f"/{CLINIC}/admin/services/{clinic['provider']}/")
    for box in ("booking", "consultation"):
        admin.locator(f"input[name=with-gp-{box}]").check()
    admin.locator("input[name=with-gp-approval][value=by-hand]").check()
    admin.locator(".save-bar").get_by_role("button", name="Save").click()
    for service in ("booking", "consultation"):
        admin.goto(f"/{CLINIC}/admin/matrix/{service}/")
        admin.locator(f"input[name=tick][value='{clinic['provider']}:{clinic['provider']}']").check()
        admin.locator(".save-bar").get_by_role("button", name="Save").click()
        expect(admin.locator("#notices")).not_to_be_empty()

    admin.goto(f"/{CLINIC}/staff/patients/")
    admin.locator("main input[name=q]").fill(f"{patient.given_name} {patient.family_name}")
    admin.locator("main form[role=search] button").click()
    admin.locator("main table a").first.click()
    expect(admin.get_by_role("link", name=re.compile("^Portal"))).to_contain_text("Ctrl+4")
    admin.keyboard.press("Control+4")
    admin.wait_for_url(re.compile("/portal/$"))
    portal_tab = admin.url
    admin.get_by_label("E-mail").fill(EMAIL)
    admin.get_by_label("The patient has agreed to this account").check()
    is_accessible(admin)
    expect(admin.get_by_role("button", name="Create an account")).to_contain_text("Alt+P")
    admin.get_by_label("E-mail").press("Alt+p")
    expect(admin.locator("#account")).to_contain_text("Awaiting activation")
    expect(admin.get_by_role("button", name="Resend the link")).to_contain_text("Alt+K")
    is_accessible(admin)

    phone = new_page(width=375, height=740)
    link = arrived(phone, EMAIL, rf"(http://\S+/{CLINIC}/sign-in/code/link/\S+)")
    mine = new_page(width=375, height=740)
    mine.goto(link)
    assert link.rstrip("/").rsplit("/", 1)[1] not in mine.url
    is_accessible(mine)
    mine.get_by_role("button", name="Send me a code").click()
    mine.locator("input[name=code]").fill(arrived(phone, patient.mobile, r"\b(\d{6}) [a-z]"))
    mine.locator("input[name=password]").fill(PASSWORD)
    mine.locator("input[name=again]").fill(PASSWORD)
    is_accessible(mine)
    mine.get_by_role("button", name="Save password").click()
    expect(mine.locator("#notices")).to_contain_text("Your password is chosen")

    admin.goto(portal_tab)
    expect(admin.locator("#account")).to_contain_text("Active")
    admin.keyboard.press("Alt+k")
    expect(admin.locator("#notices")).to_contain_text("A link to choose a new password is on its way")

    mine.goto(f"/{CLINIC}/")
    is_accessible(mine)
    mine.get_by_role("link", name=re.compile("Code by SMS")).click()
    is_accessible(mine)
    mine.locator("input[name=number]").fill(patient.national_id)
    mine.locator("input[name=password]").fill(PASSWORD)
    before = count(phone, patient.mobile)
    mine.get_by_role("button", name="Send me a code").click()
    expect(mine.locator("main")).to_contain_text("You have 5 tries")
    is_accessible(mine)
    wait_for(lambda: count(phone, patient.mobile) > before)
    mine.locator("input[name=code]").fill(arrived(phone, patient.mobile, r"\b(\d{6}) [a-z]"))
    mine.get_by_role("button", name="Sign in").click()
    says_that_it_is_right(mine)
    expect(mine.get_by_role("heading", level=1)).to_have_text(f"Hello, {patient.given_name}")

    books(mine, CLINIC, clinic["start"], "A cough for three weeks", reminder=False)
    expect(mine.locator("main")).to_contain_text("Waits for approval")

    asked = portal_tab.split("/staff/patients/")[1].split("/")[0]
    answer = f"/{CLINIC}/admin/why/?patient={asked}&provider={clinic['provider']}&day={clinic['day']}"
    admin.goto(f"{answer}&service=consultation&signed_in=code")
    expect(admin.locator("main")).to_contain_text("No, this patient can't")
    expect(admin.locator("main")).to_contain_text("Signing in with a code is not enough")
    admin.goto(f"{answer}&service=booking&signed_in=code")
    expect(admin.locator("main")).to_contain_text("Yes, this patient can")


def count(phone, mobile):
    """So many SMS to the number are on the phone."""
    phone.goto(f"/dev/phone/?to={mobile.replace('+', '%2B')}")
    return phone.locator(".phone-message:not(.phone-mail)").count()


def wait_for(happens, within=30):
    deadline = time.monotonic() + within
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.3)
