"""A secretary says who came: from the calendar, twice, in two tabs, on the way back, by key, and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = [pytest.mark.browser, pytest.mark.long]
CLINIC = "arrive"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("arrival_clinic", identifier=CLINIC)


@pytest.fixture
def opens(clinic, person):
    """Open the appointment of somebody of today from the calendar."""

    def opened(page, who):
        page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
        page.locator("a.entry", has_text=who).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(who)

    return opened


def marks(page):
    """What can be said of the appointment just now, as the form sends it."""
    return [button.get_attribute("value") for button in page.locator("button[name=mark]").all()]


def test_who_came_is_said_once_whatever_is_pressed(clinic, person, opens):
    page = person("secretary", width=1280)
    opens(page, "Per")
    assert marks(page) == ["arrived", "missed"]
    is_accessible(page)
    other = page.context.new_page()
    other.goto(page.url)

    page.get_by_role("button", name="Arrived").dblclick()
    expect(page.locator("#notices")).to_contain_text("Per Prøve has arrived.")
    expect(page.locator("main")).to_contain_text("Arrived")
    expect(page.get_by_role("link", name="Move", exact=True)).to_have_count(0)
    is_accessible(page)
    page.go_back()
    page.wait_for_load_state()
    expect(page.get_by_role("button", name="Take the mark back")).to_be_visible()

    other.get_by_role("button", name="Did not attend").click()
    expect(other.locator("#notices")).to_contain_text("This appointment was changed")
    expect(other.locator("#notices")).to_contain_text(re.compile(r"Secretary noted .+: Arrived\."))

    # the mark is changed by key, and taken back
    other.get_by_role("button", name="Did not attend").press("Enter")
    expect(other.locator("#notices")).to_contain_text("Per Prøve did not attend.")
    other.locator(".crumb a").click()
    expect(other.locator("a.entry[data-kind=missed]")).to_contain_text("Per Prøve")
    other.locator("a.entry[data-kind=missed]").click()
    other.get_by_role("button", name="Take the mark back").click()
    expect(other.locator("#notices")).to_contain_text("The mark is taken back.")
    assert marks(other) == ["arrived", "missed"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_who_is_early_has_come_and_nobody_is_missed_before_the_time_on_a_phone(
    clinic, person, opens, scripts
):
    page = person("secretary", width=375, height=740, scripts=scripts)
    opens(page, "Kari")
    assert marks(page) == ["arrived"]
    page.get_by_role("button", name="Arrived").click()
    expect(page.locator("#notices")).to_contain_text("Kari Prøve has arrived.")
    assert marks(page) == [""]
    if scripts:
        is_accessible(page)
    page.get_by_role("button", name="Take the mark back").click()
    expect(page.locator("#notices")).to_contain_text("The mark is taken back.")
    for who in ("Ane", "Ola"):  # cancelled, and tomorrow
        page.goto(f"/{CLINIC}/staff/appointments/{clinic[who]}/")
        expect(page.get_by_role("heading", level=1)).to_contain_text(who)
        assert marks(page) == []
