"""Somebody without an account asks for a time on a phone, with scripts and without, and the secretary answers."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible, staff_signs_in

pytestmark = pytest.mark.browser
CLINIC = "guests"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("guest_clinic", identifier=CLINIC)


def code_on(phone, mobile):
    """Wait for the SMS with the code."""
    deadline = time.monotonic() + 30
    while True:
        phone.goto(f"/dev/phone/?to=%2B47{mobile}")
        found = re.search(r"\b(\d{6}) confirms", phone.locator("main").inner_text())
        if found:
            return found.group(1)
        assert time.monotonic() < deadline, phone.locator("main").inner_text()
        time.sleep(0.5)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_stranger_asks_on_a_phone_and_the_secretary_approves(clinic, new_page, scripts):
    who, mobile = ("Gry", "41000001") if scripts else ("Geir", "41000002")
    page = new_page(width=375, height=740, scripts=scripts)
    page.goto(f"/{CLINIC}/")
    page.get_by_role("link", name=re.compile("Book without an account")).click()
    if scripts:
        is_accessible(page)
    page.locator("a.time").first.click()
    page.locator("input[name=given_name]").fill(who)
    page.locator("input[name=family_name]").fill("Gjest")
    page.locator("input[name=number]").fill(clinic["number1" if scripts else "number2"])
    page.locator("input[name=mobile]").fill(mobile)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main")).to_contain_text("Write in a few words what it is about.")
    expect(page.locator("input[name=given_name]")).to_have_value(who)
    page.locator("textarea[name=reason]").fill("A rash since Monday")
    if scripts:
        is_accessible(page)
    page.locator("main form button[type=submit]").first.click()
    page.locator("input[name=code]").fill(code_on(new_page(), mobile))
    if scripts:
        is_accessible(page)
    page.get_by_role("button", name="Ask for the time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The clinic has your request")
    if scripts:
        is_accessible(page)
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("The clinic has your request")

    secretary = new_page()
    staff_signs_in(
        secretary, email=clinic["secretary"], password=clinic["password"], secret=clinic["secretary_secret"]
    )
    secretary.goto(f"/{CLINIC}/staff/waiting/")
    secretary.get_by_role("link", name=re.compile("Without an account")).click()
    is_accessible(secretary)
    secretary.get_by_role("link", name=re.compile(who)).click()
    expect(secretary.locator("main")).to_contain_text("A rash since Monday")
    is_accessible(secretary)
    secretary.get_by_role("button", name=re.compile("Approve")).click()
    expect(secretary.locator("#notices")).to_contain_text(f"Approved. {who} Gjest is notified.")

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment is booked")


def asks(page, phone, number, mobile):
    """Ask for the first time as Gudrun Gjest, and write the code that comes to the mobile."""
    page.goto(f"/{CLINIC}/")
    page.get_by_role("link", name=re.compile("Book without an account")).click()
    page.locator("a.time").first.click()
    for name, value in {
        "given_name": "Gudrun",
        "family_name": "Gjest",
        "number": number,
        "mobile": mobile,
        "reason": "A certificate",
    }.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("main form button[type=submit]").first.click()
    page.locator("input[name=code]").fill(code_on(phone, mobile))
    page.get_by_role("button", name="Ask for the time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The clinic has your request")


def test_who_is_refused_reads_on_a_phone_without_scripts_the_sentence_that_the_secretary_chose_by_keyboard(
    clinic, new_page, person
):
    page = new_page(width=375, height=740, scripts=False)
    phone = new_page()
    asks(page, phone, clinic["number3"], "41000003")

    secretary = person("secretary")
    secretary.goto(f"/{CLINIC}/staff/waiting/")
    secretary.get_by_role("link", name=re.compile("Without an account")).click()
    secretary.get_by_role("link", name=re.compile("Gudrun")).click()
    expect(secretary.get_by_role("radio", name="None")).to_be_hidden()
    secretary.locator(".refusal summary").focus()
    secretary.keyboard.press("Enter")
    is_accessible(secretary)
    secretary.keyboard.press("Tab")
    expect(secretary.get_by_role("radio", name="None")).to_be_focused()
    for _number in range(4):
        secretary.keyboard.press("ArrowDown")
    expect(secretary.get_by_role("radio", name="This has to be booked after signing in.")).to_be_checked()
    secretary.keyboard.press("Tab")
    secretary.keyboard.press("Enter")
    expect(secretary.locator("#notices")).to_contain_text("Refused. Gudrun Gjest is notified")
    secretary.get_by_role("link", name=re.compile("Gudrun Gjest")).click()
    expect(secretary.locator("ol.rows")).to_contain_text("On the page of the request: This has to be booked")
    is_accessible(secretary)

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("The clinic could not approve the time")
    expect(page.locator("main")).to_contain_text("If you can't sign in, contact the clinic.")
    assert page.locator("html").bounding_box()["width"] <= 375
    phone.goto("/dev/phone/?to=%2B4741000003")
    expect(phone.locator("main")).to_contain_text("See the link we sent")
    expect(phone.locator("main")).not_to_contain_text("after signing in")
    page.get_by_role("link", name="Sign in", exact=True).last.click()
    expect(page).to_have_url(re.compile(f"/{CLINIC}/$"))
