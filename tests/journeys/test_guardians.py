"""A mother acts for her child, on a phone: the bar says so from the first page to the last."""

import re

import pytest
from playwright.sync_api import expect

from identity.demo_idp.people import PEOPLE
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


def test_a_danish_father_asks_for_a_sign_in_for_his_child(product, demo, new_page):
    emil, soren = (
        next(one for one in PEOPLE if one.full_name == name)
        for name in ("Emil Østergaard", "Søren Østergaard")
    )
    page = new_page(width=375, height=760)
    page.goto("/holm/")
    page.get_by_role("link", name=re.compile("Make a sign-in for a child under 15")).click()
    is_accessible(page)
    for name, value in {
        "child": emil.national_id,
        "guardian": soren.national_id,
        "given_name": "Emil",
        "family_name": "Østergaard",
        "email": "soren.o@example.dk",
        "email_again": "soren.o@example.dk",
        "password": "Blaa-elefant-7",
        "again": "Blaa-elefant-7",
    }.items():
        page.locator(f"input[name={name}]").fill(value)
    expect(page.locator("input[name=child]")).to_have_value(re.compile(r"^\d{6}-\d{4}$"))
    page.locator("input[name=terms]").check()
    page.get_by_role("button", name=re.compile("Go on with MitID")).click()
    page.get_by_label("Søren Østergaard").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    # As the clinic has set it: it looks at each registration, or the child can sign in now (test_registration).
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("The clinic has your request|The child can sign in now")
    )
    is_accessible(page)
    page.goto("/holm/start/")
    expect(page).to_have_url(re.compile("/holm/\\?next="))
