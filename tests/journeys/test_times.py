"""Two patients look at the same free times: what one takes or gives back, the other sees, and nothing moves."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import books, cancels, imported, is_accessible, look, patient_signs_in

pytestmark = pytest.mark.browser
CLINIC = "times"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("earlier_clinic", identifier=CLINIC)
    return told | {"patients": imported(product, CLINIC, count=20)}


def places(page):
    """Where each time stands, and how large it is."""
    return page.locator("a.time").evaluate_all(
        "times => times.map(time => JSON.stringify(time.getBoundingClientRect()))"
    )


def comes_back(page):
    """The person returns to the tab: the page looks within a second or two."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_time_taken_meanwhile_is_struck_through_where_it_is_and_a_new_one_is_only_told_of(clinic, new_page):
    other, mine = new_page(), new_page(width=375, height=740)
    patient_signs_in(other, CLINIC, clinic["patients"][0])
    patient_signs_in(mine, CLINIC, clinic["patients"][1])
    mine.goto(f"/{CLINIC}/book/")
    first = mine.locator("a.time").first
    first.focus()
    before = places(mine)

    appointment = books(other, CLINIC, clinic["start"], "A cough", reminder=False)
    comes_back(mine)
    expect(first).to_have_attribute("data-state", "taken")
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-disabled", "true")
    expect(mine.locator("#times-said")).to_have_text(
        re.compile(r"at .* with Greta Lege\. This time has just been taken\.")
    )
    expect(mine.locator("[data-note]").first).to_have_text("2 free times")
    assert places(mine) == before
    is_accessible(mine)
    look(mine, "taken")
    mine.keyboard.press("Enter")
    first.click(force=True)
    expect(mine).to_have_url(re.compile(f"/{CLINIC}/book/$"))

    cancels(other, appointment)
    comes_back(mine)
    expect(first).to_have_attribute("data-state", "free")
    expect(first).to_have_attribute("href", re.compile(r"/book/\d+/"))
    assert places(mine) == before
    expect(mine.locator("#times-new")).to_be_hidden()

    appointment = books(other, CLINIC, clinic["start"], "A cough", reminder=False)
    mine.goto(f"/{CLINIC}/book/?part=from-12")
    before = places(mine)
    cancels(other, appointment)
    comes_back(mine)
    expect(mine.get_by_role("link", name="1 new time – show it")).to_be_visible()
    assert places(mine) == before
    is_accessible(mine)
    look(mine, "new")
    mine.get_by_role("link", name="1 new time – show it").click()
    expect(mine.locator("a.time")).to_have_count(len(before) + 1)
    expect(mine.locator("a.time").first).to_be_focused()
    expect(mine.locator("#times-new")).to_be_hidden()

    mine.get_by_role("link", name="Before 9", exact=True).click()
    expect(mine.locator("#times")).to_contain_text("No free times before 9")
    expect(mine.get_by_role("link", name="Before 9", exact=True)).to_be_focused()
    is_accessible(mine)
    look(mine, "none")
    mine.go_back()
    expect(mine.locator("a.time")).to_have_count(len(before) + 1)
    expect(mine.locator("#part-from-12")).to_have_attribute("aria-current", "true")


@pytest.mark.long
def test_without_scripts_the_part_of_the_day_is_a_link_and_nothing_is_promised(clinic, new_page):
    page = new_page(width=375, height=740, scripts=False)
    patient_signs_in(page, CLINIC, clinic["patients"][2])
    page.goto(f"/{CLINIC}/book/")
    page.get_by_role("link", name="Before 9", exact=True).click()
    expect(page.locator("#times")).to_contain_text("No free times before 9")
    expect(page.locator("#times-new")).to_be_hidden()
    page.get_by_role("link", name="Show all of the day").click()
    expect(page).to_have_url(re.compile(f"/{CLINIC}/book/$"))
    expect(page.locator("a.time").first).to_be_visible()


@pytest.mark.long
def test_a_time_at_which_one_has_something_else_by_now_says_so_and_is_free_again_after(clinic, new_page):
    page = new_page(width=375, height=740)
    patient_signs_in(page, CLINIC, clinic["patients"][3])
    other = page.context.new_page()
    page.goto(f"/{CLINIC}/book/")
    first, hint = page.locator("a.time").first, page.locator("[data-own-times]")
    before = places(page)
    expect(hint).to_be_hidden()
    appointment = books(other, CLINIC, clinic["start"], "A cough", reminder=False)
    comes_back(page)
    expect(first).to_have_attribute("data-state", "own")
    expect(first.locator("small")).to_have_text("you are busy")
    expect(page.locator("#times-said")).to_have_text(re.compile(r"\. You have an appointment then\."))
    expect(hint).to_be_visible()
    assert places(page) == before
    is_accessible(page)
    look(page, "busy")
    cancels(other, appointment)
    comes_back(page)
    expect(first).to_have_attribute("data-state", "free")
    expect(first.locator("small")).to_have_count(0)
    expect(hint).to_be_hidden()
    assert places(page) == before
