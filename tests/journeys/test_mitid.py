"""MitID by SAML, on a phone: in, and out again in both directions."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(product):
    """The demo's clinics with their patients."""
    product.manage("make_demo")


def signs_in(page, name="Søren Østergaard"):
    """Choose MitID, be someone, and come to the start page."""
    page.goto("/holm/")
    page.get_by_role("button", name=re.compile("MitID")).click()
    expect(page).to_have_url(re.compile(r"/demo-idp/mitid/saml/sso\?SAMLRequest="))
    page.get_by_label(name).check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {name.split()[0]}")


def nobody_is_signed_in(page):
    """End what other journeys have left open at the provider."""
    for _session in range(9):
        page.goto("/demo-idp/mitid/sessions")
        buttons = page.get_by_role("button", name=re.compile("Sign out "))
        if not buttons.count():
            return
        buttons.first.click()
        page.wait_for_load_state()


def test_a_danish_patient_signs_in_with_mitid_and_out_everywhere(product, demo, new_page):
    page = new_page(width=375, height=760)
    nobody_is_signed_in(page)
    page.goto("/holm/")
    is_accessible(page)
    signs_in(page)
    is_accessible(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/holm/signed-out/\?at=mitid"))
    expect(page.locator("main")).to_contain_text("signed out at MitID, too")
    is_accessible(page)
    page.goto("/demo-idp/mitid/sessions")
    expect(page.locator("main")).to_contain_text("Nobody is signed in")
    page.goto("/holm/start/")
    expect(page).to_have_url(re.compile(r"/holm/\?next="))


@pytest.mark.long
def test_the_page_between_works_without_scripts(product, demo, new_page):
    page = new_page(width=375, height=760, scripts=False)
    page.goto("/holm/")
    page.get_by_role("button", name=re.compile("MitID")).click()
    page.get_by_label("Søren Østergaard").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("main")).to_contain_text("You are done here")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Søren")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/holm/signed-out/\?at=mitid"))


def test_signing_out_at_mitid_signs_out_here(product, demo, new_page):
    phone, computer = new_page(width=375, height=760), new_page()
    nobody_is_signed_in(computer)
    signs_in(phone)
    computer.goto("/demo-idp/mitid/sessions")
    is_accessible(computer)
    computer.get_by_role("button", name="Sign out Søren Østergaard").click()
    expect(computer.get_by_role("heading", level=1)).to_have_text("You are signed out")
    expect(computer.locator("main")).to_contain_text("in the clinic's portal")
    phone.goto("/holm/start/")
    expect(phone).to_have_url(re.compile(r"/holm/\?next="))


@pytest.mark.long
def test_changing_ones_mind_at_mitid_leads_back(product, demo, new_page):
    page = new_page(width=375, height=760, language="da")
    page.goto("/holm/")
    page.get_by_role("button", name=re.compile("MitID")).click()
    page.locator("button[name=cancel]").click()
    expect(page).to_have_url(re.compile(r"/sign-in/mitid/finish/"))
    expect(page.get_by_role("link", name="Tilbage til klinikken")).to_be_visible()
    is_accessible(page)
