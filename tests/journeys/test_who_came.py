"""Who came is said in the calendar itself: by pointer, by key, in plain forms; nobody overwrites a colleague."""

import os
import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = [pytest.mark.browser, pytest.mark.long]
CLINIC = "came"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("came_clinic", identifier=CLINIC)


def look(page, name, *, whole=True):
    """Keep a picture, where somebody wants to look at it. A tablet's is one only of what is in view."""
    if folder := os.environ.get("VENTEROM_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=whole)


def entry(page, who):
    return page.locator("a.entry", has_text=who)


def is_unmarked(page, *people):
    """Take back what another journey of this clinic has noted."""
    for who in people:
        if acts(page, who).get_by_role("button", name="Take the mark back", include_hidden=True).count():
            entry(page, who).focus()
            page.keyboard.press("u")
            expect(entry(page, who)).to_have_attribute("data-kind", re.compile("booked|done"))


def acts(page, who):
    return page.locator(".entry-with", has=entry(page, who)).locator(".acts")


def test_on_a_tablet_a_finger_says_in_the_week_who_came(clinic, person):
    """Where nothing can be pointed at, the button stands on the entry, in the narrow columns of a week, too."""
    page = person("secretary", width=1180, height=820, by_finger=True)
    both = [("day", clinic["today"]), ("provider", clinic["provider"]), ("provider", clinic["dag"])]
    page.goto(f"/{CLINIC}/staff/desk/week/?{urlencode([*both, ('days', 7)])}")
    is_unmarked(page, "Per")
    acts(page, "Per").locator("summary").scroll_into_view_if_needed()
    look(page, "tablet", whole=False)
    acts(page, "Per").locator("summary").tap()
    look(page, "tablet-open", whole=False)
    is_accessible(page)
    acts(page, "Per").get_by_role("button", name="Arrived").tap()
    expect(entry(page, "Per")).to_have_attribute("data-kind", "arrived")
    look(page, "tablet-arrived", whole=False)


def test_who_came_is_said_in_the_calendar_and_neither_of_two_overwrites_the_other(clinic, person):
    anna, berit = person("secretary", width=1280, height=800), person("admin", width=1280, height=800)
    day = f"/{CLINIC}/staff/calendar/?day={clinic['today']}"
    both = [("day", clinic["today"]), ("provider", clinic["provider"]), ("provider", clinic["dag"])]
    week = f"/{CLINIC}/staff/desk/week/?{urlencode([*both, ('days', 7)])}"
    anna.goto(day)
    is_unmarked(anna, "Per", "Kari")
    anna.goto(day)
    berit.goto(week)
    is_accessible(anna)
    is_accessible(berit)
    look(anna, "day")
    look(berit, "week")

    # by pointer: it is seen at once, by sign and words, and nothing else moves
    address = anna.url
    acts(anna, "Per").locator("summary").click()
    look(anna, "day-open")
    is_accessible(anna)
    acts(anna, "Per").get_by_role("button", name="Arrived").click()
    expect(entry(anna, "Per")).to_have_attribute("data-kind", "arrived")
    expect(entry(anna, "Per")).to_contain_text("Arrived")
    expect(anna.locator("#notices")).to_contain_text("Per Prøve has arrived.")
    expect(entry(anna, "Per")).to_be_focused()
    expect(acts(anna, "Per")).not_to_have_attribute("open", "")
    assert anna.url == address
    is_accessible(anna)

    # from a page that is not the newest: told who noted what, and nothing is overwritten
    entry(berit, "Per").hover()
    acts(berit, "Per").locator("summary").click()
    look(berit, "week-open")
    acts(berit, "Per").get_by_role("button", name="Did not attend").click()
    notice = berit.locator("#notices [data-color=warning]")
    expect(notice).to_contain_text(re.compile("This appointment was changed.* noted .*: Arrived"))
    expect(notice).to_be_in_viewport()
    expect(entry(berit, "Per")).to_have_attribute("data-kind", "arrived")
    look(berit, "week-warned")

    # by key, and what was pressed wrongly is taken back
    anna.keyboard.press("?")
    expect(anna.locator(".key-help")).to_contain_text("has arrived, did not attend")
    entry(anna, "Kari").focus()
    anna.keyboard.press("x")
    expect(entry(anna, "Kari")).to_have_attribute("data-kind", "missed")
    expect(entry(anna, "Kari")).to_be_focused()
    anna.keyboard.press("u")
    expect(entry(anna, "Kari")).to_have_attribute("data-kind", re.compile("booked|done"))
    expect(anna.locator("#notices")).to_contain_text("The mark is taken back.")
    anna.keyboard.press("Tab")
    anna.keyboard.press("Enter")
    expect(acts(anna, "Kari")).to_have_attribute("open", "")
    anna.keyboard.press("Escape")
    expect(acts(anna, "Kari")).not_to_have_attribute("open", "")
    anna.keyboard.press("Enter")
    anna.keyboard.press("Tab")
    anna.keyboard.press("Enter")
    expect(entry(anna, "Kari")).to_have_attribute("data-kind", "arrived")
    anna.keyboard.press("u")
    expect(entry(anna, "Kari")).not_to_have_attribute("data-kind", "arrived")
    entry(berit, "Kari").focus()
    look(berit, "week-focus")
    berit.keyboard.press("a")
    expect(entry(berit, "Kari")).to_have_attribute("data-kind", "arrived")
    berit.emulate_media(media="print")
    expect(acts(berit, "Kari").locator("summary")).to_be_hidden()


def test_that_nobody_came_can_be_said_once_the_time_has_begun_and_the_server_has_the_last_word(
    clinic, person
):
    page = person("secretary")
    page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
    missed = acts(page, "Ane").get_by_role("button", name="Did not attend")
    acts(page, "Ane").locator("summary").click()
    expect(acts(page, "Ane").get_by_role("button", name="Arrived")).to_be_visible()
    expect(missed).to_be_hidden()
    page.keyboard.press("Escape")
    entry(page, "Ane").focus()
    page.keyboard.press("x")
    expect(page.locator("#notices")).to_be_empty()

    # The page has stood open for hours, or this computer's clock is wrong.
    page.clock.set_fixed_time(datetime.fromisoformat(clinic["later"]) + timedelta(minutes=1))
    acts(page, "Ane").locator("summary").click()
    missed.click()
    expect(page.locator("#notices")).to_contain_text("That can't be said yet: the time is still to come.")
    expect(entry(page, "Ane")).to_have_attribute("data-kind", "booked")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_on_a_phone_the_list_says_who_came_also_without_scripts(clinic, person, scripts):
    page = person("secretary", width=375, height=740, scripts=scripts)
    page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
    if acts(page, "Kari").get_by_role("button", name="Take the mark back").count():
        acts(page, "Kari").locator("summary").click()
        acts(page, "Kari").get_by_role("button", name="Take the mark back").click()
    look(page, f"phone-{scripts}")
    acts(page, "Kari").locator("summary").click()
    look(page, f"phone-open-{scripts}")
    acts(page, "Kari").get_by_role("button", name="Did not attend").click()
    expect(entry(page, "Kari")).to_have_attribute("data-kind", "missed")
    expect(entry(page, "Kari")).to_contain_text("Did not attend")
    expect(page.locator("#notices")).to_contain_text("Noted: Kari Prøve did not attend.")
    if not scripts:
        expect(page).to_have_url(re.compile("/staff/calendar/.*#entry-"))
    acts(page, "Kari").locator("summary").click()
    acts(page, "Kari").get_by_role("button", name="Take the mark back").click()
    expect(page.locator("#notices")).to_contain_text("The mark is taken back.")
    if scripts:
        is_accessible(page)


@pytest.mark.parametrize("answer", ["none", "another"])
def test_a_mark_that_the_page_could_not_send_by_itself_is_sent_as_a_plain_form(clinic, person, answer):
    page = person("secretary")
    page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
    is_unmarked(page, "Per")
    mark, sign = ("Did not attend", "missed") if answer == "none" else ("Arrived", "arrived")

    def by_itself_fails(route):
        if route.request.headers.get("hx-request") != "true":
            return route.continue_()
        return route.abort() if answer == "none" else route.fulfill(status=403, body="")

    page.route("**/attendance/**", by_itself_fails)
    acts(page, "Per").locator("summary").click()
    acts(page, "Per").get_by_role("button", name=mark).click()
    expect(entry(page, "Per")).to_have_attribute("data-kind", sign)
    expect(page).to_have_url(re.compile("/staff/calendar/.*#entry-"))


def test_a_second_mark_that_is_pressed_while_the_first_is_on_its_way_is_not_lost(clinic, person):
    page = person("secretary")
    page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
    is_unmarked(page, "Per", "Kari")
    held = []
    page.route("**/attendance/**", lambda route: route.continue_() if held else held.append(route))
    entry(page, "Per").focus()
    page.keyboard.press("a")
    entry(page, "Kari").focus()
    page.keyboard.press("x")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(entry(page, "Kari")).to_have_attribute("data-kind", "missed")
    expect(entry(page, "Per")).to_have_attribute("data-kind", "arrived")
    expect(entry(page, "Kari")).to_be_focused()
