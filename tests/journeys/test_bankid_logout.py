"""BankID by OpenID Connect, on a phone: out again in both directions, with scripts and without."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
NAME = "Line Danser"


@pytest.fixture(scope="module")
def demo(product):
    """The demo's clinics with their patients."""
    product.manage("make_demo")


def signs_in(page):
    """Choose BankID, be someone, and come to the start page."""
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label(NAME).check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {NAME.split()[0]}")


def test_signing_out_signs_out_at_bankid_and_signing_out_there_signs_out_here(product, demo, new_page):
    phone, computer = new_page(width=375, height=760), new_page()
    signs_in(phone)
    phone.get_by_role("button", name="Sign out").click()
    expect(phone).to_have_url(re.compile(r"/bakken/signed-out/\?at=bankid"))
    expect(phone.locator("main")).to_contain_text("signed out at BankID, too")
    computer.goto("/demo-idp/bankid/sessions")
    expect(computer.locator("main")).not_to_contain_text(NAME)
    signs_in(phone)
    computer.reload()
    computer.get_by_role("button", name=f"Sign out {NAME}").click()
    expect(computer.get_by_role("heading", level=1)).to_have_text("You are signed out")
    phone.goto("/bakken/start/")
    expect(phone).to_have_url(re.compile(r"/bakken/\?next="))


@pytest.mark.long
def test_the_page_between_works_without_scripts_and_holds_the_token_in_no_address(product, demo, new_page):
    page = new_page(width=375, height=760, scripts=False)
    seen = []
    page.on("request", lambda asked: seen.append(asked.url))
    signs_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main")).to_contain_text("Now we sign you out at BankID, too")
    page.get_by_role("button", name="Sign out at BankID").click()
    expect(page).to_have_url(re.compile(r"/bakken/signed-out/\?at=bankid"))
    assert not [one for one in seen if "id_token" in one or "eyJ" in one]
