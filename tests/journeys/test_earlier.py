"""A patient waits for an earlier time on a phone, another cancels, the time is offered, and the first one takes it."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.people import (
    books,
    cancels,
    imported,
    is_accessible,
    look,
    patient_signs_in,
    staff_signs_in,
)

pytestmark = pytest.mark.browser
CLINIC = "earlier"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("earlier_clinic", identifier=CLINIC)
    return told | {"patients": imported(product, CLINIC, count=40)}


def offer_on(phone, mobile):
    """Wait for the SMS with the offer; return the address in it."""
    deadline = time.monotonic() + 90
    while True:
        phone.goto(f"/dev/phone/?to={mobile.replace('+', '%2B')}")
        found = re.search(r"/earlier/earlier/offers/[0-9a-f-]{36}/", phone.locator("main").inner_text())
        if found:
            return found.group(0)
        assert time.monotonic() < deadline, phone.locator("main").inner_text()
        time.sleep(0.5)


@pytest.mark.long
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_time_that_is_cancelled_goes_to_the_patient_who_waits(clinic, new_page, scripts):
    has, waits = clinic["patients"][:2] if scripts else clinic["patients"][2:4]
    first, second = new_page(), new_page(width=375, height=740, scripts=scripts)
    patient_signs_in(first, CLINIC, has)
    appointment = books(first, CLINIC, clinic["start"], "A cough", reminder=False)

    patient_signs_in(second, CLINIC, waits)
    second.goto(f"/{CLINIC}/book/")
    second.get_by_role("link", name="Wait for an earlier time").click()
    second.locator("main form button[type=submit]").first.click()
    expect(second.locator("main")).to_contain_text("Write in a few words what it is about.")
    second.locator("textarea[name=reason]").fill("A sore knee")
    for day in "56":
        second.locator(f"input[name=weekdays][value='{day}']").check()
    if scripts:
        is_accessible(second)
        look(second, "join")
    second.get_by_role("button", name="Put me on the list").click()
    expect(second.locator("main")).to_contain_text("On the list since")
    if scripts:
        is_accessible(second)
        look(second, "mine")

    cancels(first, appointment)
    first.goto(f"/{CLINIC}/book/")
    expect(first.locator("a.time", has_text=clinic["start"])).to_have_count(0)

    second.goto(offer_on(new_page(), waits.mobile))
    expect(second.get_by_role("heading", level=1)).to_have_text("A time has come free")
    if scripts:
        is_accessible(second)
        look(second, "offer")
    secretary = new_page()
    staff_signs_in(
        secretary, email=clinic["secretary"], password=clinic["password"], secret=clinic["secretary_secret"]
    )
    secretary.goto(f"/{CLINIC}/staff/earlier/")
    expect(secretary.locator("main")).to_contain_text(waits.family_name)
    is_accessible(secretary)
    look(secretary, "staff")
    second.get_by_role("button", name="Take this time").click()
    second.wait_for_url(re.compile(r"/appointments/[0-9a-f-]{36}/"))
    expect(second.locator("main")).to_contain_text("A sore knee")
    cancels(second, second.url)
