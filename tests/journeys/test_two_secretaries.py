"""Two secretaries at one calendar: what one does the other is told of, nothing jumps, and nothing is overwritten."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser
CLINIC = "two"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("desk_clinic", identifier=CLINIC)


def comes_back(page):
    """The person returns to the tab: the page looks within a second or two."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def stands(page):
    """What one looks at: how far the page and the calendar are scrolled, and where each entry stands."""
    return page.evaluate(
        "() => [scrollY, document.querySelector('.day-calendar').scrollTop, ...[...document.querySelectorAll('.entry')]"
        ".map((entry) => JSON.stringify(entry.getBoundingClientRect()))]"
    )


def books(page, who):
    """From the page that asks for whom."""
    page.locator("input[name=q]").fill(who)
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name=re.compile(who)).click()
    page.get_by_role("button", name="Book", exact=True).click()
    page.get_by_role("button", name="Book all the same").click()


@pytest.mark.long
def test_what_one_does_the_other_is_told_of_and_neither_overwrites_the_other(clinic, person):
    anna, berit = person("secretary", width=1280, height=700), person("admin", width=1280, height=700)
    day = f"/{CLINIC}/staff/calendar/?day={clinic['tomorrow']}"
    both = [("day", clinic["tomorrow"]), ("provider", clinic["provider"]), ("provider", clinic["dag"])]
    week = f"/{CLINIC}/staff/desk/week/?{urlencode([*both, ('days', 7)])}"
    berit.goto(week)
    is_accessible(berit)
    expect(berit.get_by_role("region", name=re.compile("Dag Lege$"))).to_have_count(7)

    # Both look at the same free time; Anna books it, Berit is told and nothing on her page moves.
    anna.goto(day)
    old = berit.context.new_page()
    old.goto(week)
    mine = old.locator(".entry", has_text="09:00").first
    mine.click()
    mine_address = old.url
    target = berit.locator("a.entry[data-kind=free]", has_text="09:20").last
    target.focus()
    before = stands(berit)
    anna.get_by_role("region", name="Greta Lege").locator("a.entry", has_text="09:00").click()
    books(anna, "Kari")
    expect(anna.locator("#notices")).to_contain_text("Booked.")
    comes_back(berit)
    way = berit.get_by_role("link", name="1 change – show it")
    expect(way).to_be_visible()
    assert stands(berit) == before
    expect(target).to_be_focused()
    expect(berit.locator("a.entry", has_text="Kari")).to_have_count(0)
    is_accessible(berit)
    berit.keyboard.press("r")
    expect(berit.locator("a.entry.is-new")).to_contain_text("Kari Prøve")
    expect(target).to_be_focused()
    assert stands(berit) == before
    expect(way).to_be_hidden()

    # From the page that is not the newest: a clear word, and what was written is kept.
    old.goto(mine_address)
    old.locator("input[name=q]").fill("Ane")
    old.get_by_role("button", name="Search", exact=True).click()
    old.get_by_role("link", name=re.compile("Ane")).click()
    expect(old.locator("main")).to_contain_text("This time is not free any more")
    old.get_by_role("button", name="Book", exact=True).click()
    old.get_by_role("button", name="Book all the same").click()
    expect(old.get_by_role("alert")).to_contain_text("Nothing is booked.")
    old.close()

    # Anna moves Kari with the keys; Berit drags her from where she was, and is told where she is.
    entry = anna.locator("a.entry", has_text="Kari")
    entry.focus()
    anna.keyboard.press("m")
    anna.wait_for_url(re.compile("move="))
    expect(anna.locator(":focus")).to_contain_text("09:20")
    anna.keyboard.press("Enter")
    anna.get_by_role("button", name="Move", exact=True).click()
    anna.get_by_role("button", name="Move all the same").click()
    expect(anna.locator("#notices")).to_contain_text("Moved.")
    goal = berit.locator("a.entry[data-kind=free]", has_text="10:00").first
    berit.locator("a.entry", has_text="Kari").hover()
    berit.mouse.down()
    box = goal.bounding_box()
    berit.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    comes_back(berit)
    berit.wait_for_timeout(1_700)
    expect(way).to_be_hidden()  # nobody is told anything while they drag
    berit.mouse.up()
    expect(berit.get_by_role("alert")).to_contain_text("Somebody has changed this appointment meanwhile")
    expect(berit.get_by_role("alert")).to_contain_text("09:20")

    # Anna blocks; Berit's calendar tells of three changed places: two of the move, one of the block.
    berit.goto(week)
    berit.evaluate("() => new Promise(requestAnimationFrame)")
    anna.get_by_role("link", name="Block time").click()
    anna.get_by_label("With").select_option(label="Dag Lege")
    anna.get_by_label("From").fill("09:00")
    anna.get_by_label("Until").fill("09:40")
    anna.get_by_label("Reason").fill("Course")
    anna.get_by_role("button", name="Block", exact=True).click()
    expect(anna.locator("a.entry[data-kind=blocked]").first).to_be_visible()
    berit.locator("#day").focus()
    comes_back(berit)
    berit.wait_for_timeout(1_700)
    expect(berit.locator("[data-changes]")).to_be_hidden()  # nor while they write
    berit.locator("h1").click()
    comes_back(berit)
    berit.get_by_role("link", name="2 changes – show them").click()
    expect(berit.locator("a.entry[data-kind=blocked]")).to_have_count(2)
    expect(berit.locator("a.entry.is-new")).to_have_count(2)
    expect(berit.get_by_role("button", name="Print")).to_be_visible()
