"""A request is refused in place: by keyboard alone, in two windows at once, and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser
CLINIC = "refusals"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("request_clinic", identifier=CLINIC)


def test_refusing_by_keyboard_tells_a_colleague_who_comes_second(clinic, person):
    anna, berit = person("secretary"), person("admin", width=375, scripts=False)
    day = f"/{CLINIC}/staff/calendar/?day={clinic['tomorrow']}"
    for page in (anna, berit):
        page.goto(day)
        expect(page.locator(".requests li")).to_have_count(3)

    # Anna never leaves the page, and never touches the mouse.
    card = anna.locator(".requests li").first
    name = card.locator("a").inner_text()
    expect(card.get_by_role("button", name="Refuse the request")).to_be_hidden()
    card.locator("summary").focus()
    anna.keyboard.press("Enter")
    is_accessible(anna)
    anna.keyboard.press("Tab")
    anna.keyboard.type("Phone us,\nand we find a longer time.")
    anna.keyboard.press("Tab")
    anna.keyboard.press("Enter")
    expect(anna.locator("#notices")).to_contain_text(
        f"Refused. {name} is notified, and the time is free again."
    )
    expect(anna.locator(".requests li")).to_have_count(2)
    expect(anna).to_have_url(re.compile(re.escape(day) + "$"))

    # Berit's window is older, and has no scripts: she reads who was first, and decides the next.
    berit.locator(".requests li", has_text=name).get_by_role("button", name=re.compile("Approve")).click()
    expect(berit.locator("#notices")).to_contain_text("Someone has already decided this request. Refused by ")
    expect(berit.locator(".requests li")).to_have_count(2)
    card = berit.locator(".requests li").first
    name = card.locator("a").inner_text()
    card.locator("summary").click()
    card.locator("textarea").fill("x" * 300)
    assert berit.locator("html").bounding_box()["width"] <= 375
    assert card.locator("textarea").bounding_box()["width"] < 340
    card.get_by_role("button", name="Refuse the request").click()
    expect(berit.locator("#notices")).to_contain_text(f"Refused. {name} is notified")
    berit.go_back()
    berit.reload()
    expect(berit.locator(".requests li")).to_have_count(1)

    # On a phone what is told at the top is out of sight: it stands at the lower edge until the next key or press.
    anna.set_viewport_size({"width": 375, "height": 740})
    anna.reload()
    anna.locator(".requests li").get_by_role("button", name=re.compile("Approve")).click()
    told = anna.locator(".notices.is-below")
    expect(told).to_contain_text("Approved. ")
    expect(told).to_be_in_viewport(ratio=1)
    anna.keyboard.press("Shift")
    expect(told).to_have_count(0)
    expect(anna.locator("#notices")).to_contain_text("Approved. ")
