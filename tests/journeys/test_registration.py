"""Registering on a phone, and the clinic's inbox: at once, by hand, a child by its guardian, and the address of a child."""

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from identity.demo_idp.people import PEOPLE
from identity.national_id import make_synthetic
from tests.journeys.people import is_accessible, says_that_it_is_right
from tests.journeys.test_code_sign_in import arrived

pytestmark = pytest.mark.browser

PASSWORD = "Blaa-elefant-7"
DEMO_STAFF = "sanne@holm.example"


@pytest.fixture(scope="module")
def demo(product):
    """The demo's clinics with what waits in them."""
    product.manage("make_demo")


def number(born: date, serial: int) -> str:
    """A Danish test number of nobody."""
    return make_synthetic("DK", born, serial=serial)


def staff_of_demo(page: Page, email: str) -> None:
    """Sign in as one of the demo's staff, with the code that the demo shows."""
    page.goto("/dev/")
    password = re.search(r"Staff: password (\S+)", page.locator("main").inner_text())[1]
    page.goto("/staff/sign-in/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    other = page.context.new_page()
    used = ""
    while not page.get_by_role("button", name="Sign out").count():
        other.goto("/dev/")
        code = other.locator(f"[data-code-for='{email}']").inner_text()
        if code == used:  # each code works once, also for whoever signs in twice in half a minute
            other.wait_for_timeout(1000)
            continue
        used = code
        page.locator("input[name=code]").fill(code)
        page.locator("main button[type=submit]").click()
        page.wait_for_load_state()
    other.close()


def fills_in(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"input[name={name}]").fill(value)
    page.locator("input[name=terms]").check()


def proves(page: Page, test_number: str, given: str, family: str) -> None:
    """Sign in at the demo's MitID as somebody with a test number."""
    page.get_by_label("Someone else, with a test number").check()
    if not page.locator("input[name=number]").is_visible():
        page.locator("summary").click()
    page.locator("input[name=number]").fill(test_number)
    page.locator("input[name=given_name]").fill(given)
    page.locator("input[name=family_name]").fill(family)
    page.get_by_role("button", name="Sign in", exact=True).click()


def registers(page: Page, test_number: str, given: str, family: str, email: str) -> None:
    page.goto("/holm/")
    page.get_by_role("link", name=re.compile("Register")).first.click()
    is_accessible(page)
    fills_in(
        page,
        number=test_number,
        given_name=given,
        family_name=family,
        email=email,
        email_again=email,
        password=PASSWORD,
        again=PASSWORD,
    )
    page.get_by_role("button", name=re.compile("Go on with MitID")).click()
    proves(page, test_number, given, family)


def test_by_hand_the_patient_waits_staff_accept_and_a_letter_leads_in(product, demo, new_page):
    who = number(date(1984, 6, 3), 18)
    page = new_page(width=375, height=760)
    registers(page, who, "Karla", "Prøve", "karla@x.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("The clinic has your registration")
    is_accessible(page)

    staff = new_page()
    staff_of_demo(staff, DEMO_STAFF)
    staff.goto("/holm/staff/inbox/")
    is_accessible(staff)
    rows = staff.locator(".heap > li")
    expect(rows).not_to_have_count(0)
    last = rows.count() - 1
    assert last >= 3, "three of the demo's, and hers; the longest wait first"
    staff.keyboard.press("j")
    expect(rows.nth(0).locator("a")).to_be_focused()
    for _ in range(last + 2):
        staff.keyboard.press("j")
    expect(rows.nth(last).locator("a")).to_be_focused()
    staff.keyboard.press("k")
    expect(rows.nth(last - 1).locator("a")).to_be_focused()
    staff.keyboard.press("?")
    expect(staff.locator(".key-help dl")).to_be_visible()
    staff.locator("#inbox-name").fill("karla prø")
    staff.keyboard.press("e")  # a letter that is written stays a letter
    staff.locator("#inbox-name").fill("karla prø")
    staff.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    staff.keyboard.press("j")
    staff.keyboard.press("Enter")
    expect(staff.get_by_role("heading", level=1)).to_have_text("Karla Prøve")
    is_accessible(staff)
    staff.keyboard.press("Alt+a")
    expect(staff.locator("#notices")).to_contain_text("Karla Prøve can use the portal now")

    phone = new_page(width=375, height=740)
    front = arrived(phone, "karla@x.example", r"(http://\S+/holm/)\s")
    page.goto(front)
    page.get_by_role("button", name=re.compile("MitID")).click()
    proves(page, who, "Karla", "Prøve")
    says_that_it_is_right(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Karla")


@pytest.mark.long
def test_a_request_is_put_aside_with_a_key_and_put_back(product, demo, new_page):
    staff = new_page()
    staff_of_demo(staff, DEMO_STAFF)
    staff.goto("/holm/staff/inbox/?name=Tilflytter")
    expect(staff.locator(".heap > li")).to_have_count(1)
    staff.keyboard.press("j")
    staff.keyboard.press("e")
    expect(staff.locator("#notices")).to_contain_text("Put aside without an answer")
    staff.goto("/holm/staff/inbox/?box=done&name=Tilflytter")
    staff.locator(".heap a").click()
    staff.get_by_role("button", name="Put it back").click()
    expect(staff.locator("#notices")).to_contain_text("It waits again")


@pytest.mark.long
def test_what_nobody_knows_about_a_guardian_is_accepted_with_a_proof(product, demo, new_page):
    staff = new_page()
    staff_of_demo(staff, DEMO_STAFF)
    staff.goto("/holm/staff/inbox/?name=Alma")
    staff.locator(".heap a").first.click()
    expect(staff.locator("main")).to_contain_text("No source knows whether this is the child's guardian")
    expect(staff.locator("main")).to_contain_text("Freja Nyby")
    is_accessible(staff)
    staff.keyboard.press("Alt+a")
    expect(staff.locator("main")).to_contain_text("Write what the guardian has shown.")
    staff.locator("input[name=proof]").fill("Passport and birth certificate")
    staff.get_by_role("button", name=re.compile("Accept")).click()
    expect(staff.locator("#notices")).to_contain_text("Alma Nyby can use the portal now")
    phone, link = new_page(width=375, height=740), r"(http://\S+/holm/my-details/confirm/\S+)"
    assert arrived(phone, "freja@example.dk", link)


@pytest.mark.long
def test_at_once_where_the_clinic_lets_people_in_and_a_child_with_its_own_address(product, demo, new_page):
    admin = new_page()
    staff_of_demo(admin, "karen@holm.example")
    admin.goto("/holm/admin/clinic/")
    admin.locator("[name=self_registration]").select_option("automatic")
    admin.locator("input[name=requires_own_gp]").uncheck()
    admin.locator("form:has([name=self_registration]) button[type=submit]").first.click()
    expect(admin.locator("#notices")).to_contain_text(re.compile("aved"))

    page = new_page(width=375, height=760)
    who = number(date(1979, 1, 30), 18)
    registers(page, who, "Bodil", "Straks", "bodil@x.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Bodil")
    is_accessible(page)

    emil, soren = (
        next(one for one in PEOPLE if one.full_name == name)
        for name in ("Emil Østergaard", "Søren Østergaard")
    )
    family = new_page(width=375, height=760)
    family.goto("/holm/child/")
    fills_in(
        family,
        child=emil.national_id,
        guardian=soren.national_id,
        given_name="Emil",
        family_name="Østergaard",
        email="emil@x.example",
        email_again="emil@x.example",
        password=PASSWORD,
        again=PASSWORD,
    )
    family.get_by_role("button", name=re.compile("Go on with MitID")).click()
    family.get_by_label("Søren Østergaard").check()
    family.get_by_role("button", name="Sign in", exact=True).click()
    expect(family.get_by_role("heading", level=1)).to_have_text("The child can sign in now")
    expect(family.locator("main")).to_contain_text("open the link that we have just sent")
    is_accessible(family)
    phone = new_page(width=375, height=740)
    family.goto(arrived(phone, "emil@x.example", r"(http://\S+/holm/my-details/confirm/\S+)"))
    is_accessible(family)
    family.get_by_role("button", name="Confirm the address").click()
    expect(family.get_by_role("heading", level=1)).to_have_text("The address is confirmed")
    is_accessible(family)


@pytest.mark.long
def test_a_patient_is_asked_at_sign_in_and_changes_mobile_and_address(product, demo, new_page):
    page, phone = new_page(width=375, height=760), new_page(width=375, height=740)
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Donald Andersen").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this still right?")
    expect(page.locator("main")).to_contain_text("min-nye-donald@example.no (you told us this earlier)")
    is_accessible(page)
    page.get_by_label(re.compile("min-nye-donald")).check()
    page.get_by_role("button", name="Save what I chose").click()
    expect(page.locator("main")).to_contain_text("Your new address waits to be confirmed")
    page.locator("input[name=mobile]").fill("90 01 99 88")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("Your new number waits to be confirmed")
    is_accessible(page)
    page.locator("input[name=code]").fill(arrived(phone, "+4790019988", r"\b(\d{6}) [a-z]"))
    page.get_by_role("button", name="Confirm the number").click()
    expect(page.locator("#notices")).to_contain_text("The new number is confirmed")
    link = arrived(phone, "min-nye-donald@example.no", r"(http://\S+/bakken/my-details/confirm/\S+)")
    reader = new_page(width=375, height=760)
    reader.goto(link)
    reader.get_by_role("button", name="Confirm the address").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("The address is confirmed")
    page.reload()
    expect(page.locator("main")).not_to_contain_text("waits to be confirmed")
    assert arrived(phone, "donald@example.no", r"(m•••@e•••\.no)")
