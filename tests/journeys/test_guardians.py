"""A mother acts for her child, on a phone: the bar says so from the first page to the last."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser

BAR = "You are acting for Ola Danser"


@pytest.fixture(scope="module")
def demo(product):
    """The demo's clinics with their families."""
    product.manage("make_demo")


def test_a_mother_books_for_her_child_and_the_bar_is_seen_all_the_way(product, demo, new_page):
    page = new_page(width=375, height=760)
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Line Danser").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Line")
    is_accessible(page)

    page.get_by_role("button", name="Act for Ola").click()
    bar = page.locator(".acting")
    expect(bar).to_contain_text(BAR)
    is_accessible(page)
    page.goto("/bakken/book/")
    expect(bar).to_contain_text(BAR)
    page.locator("a.time").first.click()
    expect(bar).to_contain_text(BAR)
    page.locator("textarea[name=reason]").fill("Feber siden i går")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/appointments/[0-9a-f-]{36}/"))
    expect(bar).to_contain_text(BAR)
    expect(page.locator("main")).to_contain_text("Line Danser (guardian)")
    is_accessible(page)

    page.get_by_role("button", name="Back to me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Line")
    expect(bar).to_have_count(0)
    page.goto("/bakken/my-people/")
    is_accessible(page)
    expect(page.locator("main")).to_contain_text("Finn Dottno")
