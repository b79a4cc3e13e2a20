"""Two patients ask for one urgent time, one on a phone without scripts; lots are drawn, and the secretary sees why."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import imported, is_accessible, patient_signs_in, staff_signs_in

pytestmark = pytest.mark.browser
CLINIC = "fair"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("fair_clinic", identifier=CLINIC)
    return told | {"patients": imported(product, CLINIC, count=60)}


def asks(page, patient, *, looks):
    """Sign in, find the window on the page of free times, and ask."""
    patient_signs_in(page, CLINIC, patient)
    page.goto(f"/{CLINIC}/book/")
    if looks:
        is_accessible(page)
    page.get_by_role("link", name="Ask for an urgent time").click()
    page.get_by_role("button", name="Put me in the draw").click()
    expect(page.locator("main")).to_contain_text("Write in a few words what it is about.")
    page.locator("textarea[name=reason]").fill("Fever since Monday")
    if looks:
        is_accessible(page)
    page.get_by_role("button", name="Put me in the draw").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in the draw")
    if looks:
        is_accessible(page)
    return page.url


@pytest.mark.long
def test_two_ask_one_wins_and_the_secretary_sees_the_order(product, clinic, new_page):
    first, second = clinic["patients"][:2]
    phone, desk = new_page(width=375, height=740), new_page(scripts=False)
    mine, yours = asks(phone, first, looks=True), asks(desk, second, looks=False)

    secretary = new_page()
    staff_signs_in(
        secretary, email=clinic["secretary"], password=clinic["password"], secret=clinic["secretary_secret"]
    )
    secretary.get_by_role("link", name="What opens").click()
    expect(secretary.locator("main")).to_contain_text("Greta Lege's list")
    is_accessible(secretary)
    secretary.screenshot(path=product.folder / "rehearsal.png", full_page=True)

    product.fill("fair_clinic", identifier=CLINIC, closes=True)
    phone.goto(mine)
    desk.goto(yours)
    heads = {page.get_by_role("heading", level=1).inner_text() for page in (phone, desk)}
    assert heads == {"You got a time", "You got no time this time"}
    phone.locator("summary", has_text="How the draw can be checked").click()
    is_accessible(phone)

    secretary.goto(f"/{CLINIC}/staff/release/")
    secretary.locator("#draws ~ ul a").first.click()
    expect(secretary.locator("main")).to_contain_text("Checked: the seed gives exactly this order")
    expect(secretary.locator("tbody tr")).to_have_count(2)
    is_accessible(secretary)
    secretary.set_viewport_size({"width": 375, "height": 740})
    is_accessible(secretary)
    assert re.search(r"[0-9a-f]{64}", secretary.locator("main").inner_text())
