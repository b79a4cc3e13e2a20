"""Two press for the first urgent time, and there is one: the slower keeps what stands on the page, and gets the next."""

import os
import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible, patient_signs_in, with_mobile

pytestmark = pytest.mark.browser
CLINIC = "urgent"
REASON = "Fever since Monday, and it gets worse"
PRESS = "Take the first free urgent time"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("urgent_clinic", identifier=CLINIC)
    file = product.folder / "urgent.csv"
    product.manage("make_patients", str(file), "--clinic", CLINIC, "--count", "20")
    product.manage("import_patients", str(file), "--clinic", CLINIC, "--apply")
    return told | {"patients": with_mobile(file, "GL")}


def look(page, name):
    """Keep a picture, where somebody wants to look at it."""
    if folder := os.environ.get("VENTEROM_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def comes(page, patient):
    """Sign in and come to the page by its link among the free times."""
    patient_signs_in(page, CLINIC, patient)
    page.goto(f"/{CLINIC}/book/")
    page.get_by_role("link", name=PRESS).click()
    page.locator("textarea[name=reason]").fill(REASON)


@pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.long)])
def test_who_is_slower_keeps_the_page_and_gets_the_next_one_by_the_same_press(
    product, clinic, new_page, scripts
):
    first, next_one = (8, 9) if scripts else (10, 11)
    product.fill("urgent_clinic", identifier=CLINIC, hour=first)
    fast, slow = new_page(scripts=scripts), new_page(width=375, height=740, scripts=scripts)
    several = clinic["patients"] if scripts else clinic["patients"][4:]
    for page, patient in zip((fast, slow), several, strict=False):
        comes(page, patient)
    if scripts:
        is_accessible(slow)
    address = slow.url

    fast.get_by_role("button", name=PRESS).click()
    expect(fast).to_have_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    won = fast.url
    slow.get_by_role("button", name=PRESS).click()
    main = slow.locator("main")
    expect(main).to_contain_text("No urgent time is free right now")
    if scripts:
        expect(main).not_to_contain_text("Right now that is")
    expect(main).to_contain_text("Nothing is booked. What you wrote is kept below.")
    expect(main.get_by_role("link", name="22 33 44 55")).to_have_attribute("href", "tel:+4722334455")
    expect(slow.locator("textarea[name=reason]")).to_have_value(REASON)
    expect(slow).to_have_url(address)
    if scripts:
        expect(slow.locator("[data-error-summary]")).to_be_focused()
        is_accessible(slow)
    look(slow, f"none-left-{scripts}")

    fast.go_back()  # where it would read that none is free, had it won nothing
    expect(fast.locator("main")).to_contain_text("You have an urgent time already")
    expect(fast.get_by_role("link", name="See the appointment")).to_have_attribute(
        "href", re.compile(won[-38:])
    )

    product.fill("urgent_clinic", identifier=CLINIC, hour=next_one)
    slow.get_by_role("button", name=PRESS).dblclick()
    expect(slow).to_have_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    expect(main).to_contain_text(REASON)
    look(slow, f"got-the-next-{scripts}")
