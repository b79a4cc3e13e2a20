"""The ways in that the seed documents describe and no other journey goes, each on a phone.

000 §9 a BankID patient gets a password through the sign-in help; 002/003 the clinic makes an account; 003 a forgotten
password, a further clinic; 004 no MitID, and a child from before the rule.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from identity.demo_idp.people import PEOPLE
from tests.journeys.people import is_accessible, says_that_it_is_right
from tests.journeys.test_code_sign_in import arrived
from tests.journeys.test_registration import DEMO_STAFF, demo, staff_of_demo

pytestmark = [pytest.mark.browser, pytest.mark.long]
__all__ = ["demo"]

PASSWORD, OTHER = "Fjell-og-hav-7", "Skog-og-eng-8"
LINK = r"(http://\S+/sign-in/code/link/\S+)"


CODE = r"\b(\d{6}) (?:er|is) "


def who(name: str):
    return next(one for one in PEOPLE if one.full_name == name)


def small(new_page) -> Page:
    return new_page(width=375, height=760)


def code_for(phone: Page, to: str, not_this: str = "") -> str:
    """Return the newest code to the number or address, once it is another than the one before."""
    for _try in range(60):
        found = arrived(phone, to, CODE)
        if found != not_this:
            return found
        phone.wait_for_timeout(500)
    raise AssertionError("no new code")


def newest_code(phone: Page, to: str) -> str:
    """Return the newest code that came so far, perhaps for another journey; empty if none did."""
    phone.goto(f"/dev/phone/?to={to.replace('+', '%2B')}")
    found = re.search(CODE, phone.locator("main").inner_text())
    return found[1] if found else ""


def by_code(page: Page, phone: Page, clinic: str, name: str, password: str, to: str) -> None:
    """Sign in with password and code."""
    older = newest_code(phone, to)
    page.goto(f"/{clinic}/")
    page.locator("a[href*='/sign-in/code/']").first.click()
    page.locator("input[name=number]").fill(who(name).national_id)
    page.locator("input[name=password]").fill(password)
    is_accessible(page)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Write the code")
    code = code_for(phone, to, older)
    page.locator("input[name=code]").fill(code)
    is_accessible(page)
    page.get_by_role("button", name="Sign in", exact=True).click()
    says_that_it_is_right(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {who(name).given_name}")


def chooses(page: Page, password: str) -> None:
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=again]").fill(password)
    is_accessible(page)
    page.get_by_role("button", name="Save password").click()
    expect(page.locator("#notices")).to_contain_text("Your password is chosen")


def by_mitid(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile("MitID")).click()
    page.get_by_label(name).check()
    page.get_by_role("button", name="Sign in", exact=True).click()


def portal_tab(staff: Page, clinic: str, name: str) -> None:
    staff.goto(f"/{clinic}/staff/patients/")
    staff.locator("main input[name=q]").fill(name)
    staff.locator("main form[role=search] button").click()
    staff.locator("main table a").first.click()
    staff.wait_for_url(re.compile(r"/patients/[0-9a-f-]{36}/$"))  # keys count once the page is there
    staff.keyboard.press("Control+4")
    staff.wait_for_url(re.compile("/portal/$"))


def test_000_a_bankid_patient_gets_a_password_through_the_sign_in_help(product, demo, new_page):
    line, page, phone = who("Line Danser"), small(new_page), small(new_page)
    page.goto("/bakken/")
    page.get_by_role("link", name="Help with signing in").click()
    is_accessible(page)
    page.goto("/bakken/sign-in/code/")
    page.get_by_role("link", name=re.compile("I have forgotten my password, or have none yet")).click()
    is_accessible(page)
    page.locator("input[name=number]").fill(line.national_id)
    page.locator("input[name=email]").fill("line@example.no")
    page.locator("input[name=mobile]").fill("90 01 01 10")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your e-mail")
    is_accessible(page)
    page.goto(arrived(phone, "line@example.no", LINK))
    page.get_by_role("button", name="Send me a code").click()
    first = code_for(phone, "+4790010110")
    page.locator("input[name=code]").fill(first)
    chooses(page, PASSWORD)
    by_code(page, phone, "bakken", "Line Danser", PASSWORD, "+4790010110")


def test_002_003_the_clinic_makes_an_account_and_the_first_sign_in_is_with_mitid(product, demo, new_page):
    staff, page, phone = new_page(), small(new_page), small(new_page)
    staff_of_demo(staff, DEMO_STAFF)
    portal_tab(staff, "holm", "Mette Æbelø")
    staff.get_by_label("The patient has agreed to this account").check()
    staff.get_by_label("E-mail").press("Alt+p")
    expect(staff.locator("#account")).to_contain_text("Awaiting activation")
    page.goto(arrived(phone, "mette@example.dk", LINK))
    is_accessible(page)
    chooses(page, PASSWORD)
    expect(page.locator("#notices")).to_contain_text("Now sign in with MitID")
    staff.reload()
    expect(staff.locator("#account")).to_contain_text("must sign in with MitID once")
    by_mitid(page, "Mette Æbelø")
    says_that_it_is_right(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Mette")
    staff.reload()
    expect(staff.locator("#account")).to_contain_text("Active")

    staff.get_by_role("link", name="See the portal as this patient sees it").click()
    expect(staff.get_by_role("heading", level=1)).to_have_text("As the patient sees it")
    is_accessible(staff)
    assert staff.locator(".as-patient a[href]").count() == 0
    staff.screenshot(path=product.folder / "as-patient-1280.png", full_page=True)
    staff.set_viewport_size({"width": 375, "height": 760})
    is_accessible(staff)
    staff.screenshot(path=product.folder / "as-patient-375.png", full_page=True)
    page.goto("/holm/my-page/who/")
    expect(page.locator("main")).to_contain_text("the start page, as you see it")
    page.goto("/holm/my-page/sign-ins/")
    expect(page.locator("main")).to_contain_text("from 127.0.0.1")
    is_accessible(page)
    page.screenshot(path=product.folder / "sign-ins-375.png", full_page=True)


def test_004_a_patient_without_mitid_signs_in_with_a_code_by_email_and_chooses_anew(product, demo, new_page):
    page, phone, to = small(new_page), small(new_page), "inger@example.dk"
    page.goto("/dev/")
    known = re.search(r"Demo-pasient-\d+", page.locator("main").inner_text())[0]
    by_code(page, phone, "holm", "Inger Uden-MitID", known, to)
    page.get_by_role("button", name="Sign out").click()

    page.goto("/holm/sign-in/code/forgotten/")  # 003, "Glemt adgangskode?"
    page.locator("input[name=number]").fill(who("Inger Uden-MitID").national_id)
    page.locator("input[name=email]").fill(to)
    is_accessible(page)
    page.get_by_role("button", name="Send me a link").click()
    page.goto(arrived(phone, to, LINK))
    chooses(page, OTHER)
    by_code(page, phone, "holm", "Inger Uden-MitID", OTHER, to)


def test_004_who_has_mitid_is_told_so_by_email_and_the_page_says_nothing(product, demo, new_page):
    page, phone = small(new_page), small(new_page)
    page.goto("/holm/sign-in/code/forgotten/")
    page.locator("input[name=number]").fill(who("Søren Østergaard").national_id)
    page.locator("input[name=email]").fill("soren@example.dk")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your e-mail")
    assert arrived(phone, "soren@example.dk", r"(MitID)")


def test_004_a_child_from_before_the_rule_is_confirmed_by_a_guardian_and_signs_in(product, demo, new_page):
    emil, page, phone = who("Emil Østergaard"), small(new_page), small(new_page)
    page.goto("/dev/")
    known = re.search(r"Demo-pasient-\d+", page.locator("main").inner_text())[0]
    product.fill("old_child", number=emil.national_id, email="soren@example.dk", password=known)
    page.goto("/holm/sign-in/code/")
    page.locator("input[name=number]").fill(emil.national_id)
    page.locator("input[name=password]").fill(known)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Write the code")
    page.goto(arrived(phone, "soren@example.dk", r"(http://\S+/holm/child/confirm/)"))
    is_accessible(page)
    page.locator("input[name=child]").fill(emil.national_id)
    page.locator("input[name=guardian]").fill(who("Søren Østergaard").national_id)
    page.get_by_role("button", name=re.compile("Go on with MitID")).click()
    page.get_by_label("Søren Østergaard").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The child's sign-in is confirmed")
    is_accessible(page)
    by_code(page, phone, "holm", "Emil Østergaard", known, "soren@example.dk")


def test_003_a_child_cannot_use_mitid(product, demo, new_page):
    page = small(new_page)
    page.goto("/holm/")
    by_mitid(page, "Emil Østergaard")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    expect(page.locator("main")).to_contain_text("Children can't use eID here")
    is_accessible(page)
    page.goto("/holm/start/")
    expect(page).to_have_url(re.compile("/holm/\\?next="))
