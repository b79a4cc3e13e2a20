"""A further clinic with one press, on a phone (F13, D2), and the clinic that removes the patient again (D8)."""

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.people import is_accessible, says_that_it_is_right, staff_signs_in
from tests.journeys.test_registration import demo
from tests.journeys.test_ways_in import by_code, by_mitid, portal_tab, small

pytestmark = [pytest.mark.browser, pytest.mark.long]
__all__ = ["demo"]


@pytest.fixture
def further(product, demo):
    identifier = f"vest-{secrets.token_hex(3)}"
    return {"clinic": identifier} | product.fill("further_clinic", identifier=identifier)


def heading(page: Page):
    return expect(page.get_by_role("heading", level=1))


def presses_register(page: Page, picture: str) -> None:
    heading(page).to_have_text("Register at Vesterlund Lægehus")
    expect(page.locator("main input[name=email]")).to_have_value("soren@example.dk")
    is_accessible(page)
    page.screenshot(path=picture, full_page=True)
    page.locator("input[name=terms]").check()
    page.get_by_role("button", name="Register").click()
    says_that_it_is_right(page)
    heading(page).to_have_text("Hello, Søren")


def test_one_press_at_a_further_clinic_and_the_open_page_of_a_removed_patient_says_so(
    product, further, new_page
):
    page, staff, clinic = small(new_page), new_page(), further["clinic"]
    page.goto("/holm/")
    by_mitid(page, "Søren Østergaard")
    says_that_it_is_right(page)
    page.goto("/holm/my-page/clinics/")
    is_accessible(page)
    page.get_by_role("link", name=re.compile("Vesterlund Lægehus")).click()
    presses_register(page, product.folder / "register-here-375.png")
    expect(page).to_have_url(re.compile(f"/{clinic}/start/"))
    page.goto(f"/{clinic}/appointments/")
    is_accessible(page)

    staff_signs_in(staff, email=further["email"], password=further["password"], secret=further["secret"])
    portal_tab(staff, clinic, "Søren")
    staff.get_by_role("button", name="Remove from the portal…").click()
    is_accessible(staff)
    staff.get_by_role("button", name="Remove from the portal").click()
    expect(staff.locator("#notices")).to_contain_text("portal")
    staff.screenshot(path=product.folder / "removed-1280.png", full_page=True)

    page.locator("a[href$='/book/']").first.click()  # the page that was open meets what has become of it
    expect(page.locator("main")).to_contain_text("You are no longer registered at this clinic's portal")
    presses_register(page, product.folder / "register-again-375.png")
    page.goto("/holm/start/")
    heading(page).to_have_text("Hello, Søren")  # the other clinic was not touched


def test_a_session_by_code_is_no_way_to_a_further_clinic(product, further, new_page):
    page, phone = small(new_page), small(new_page)
    page.goto("/dev/")
    known = re.search(r"Demo-pasient-\d+", page.locator("main").inner_text())[0]
    by_code(page, phone, "holm", "Inger Uden-MitID", known, "inger@example.dk")
    page.goto("/holm/my-page/clinics/")
    expect(page.locator("main")).to_contain_text("That is good for this clinic only")
    expect(page.get_by_role("link", name=re.compile("Vesterlund"))).to_have_count(0)
    is_accessible(page)
    page.goto(f"/{further['clinic']}/register/here/")
    expect(page).to_have_url(re.compile(f"/{further['clinic']}/$"))
    expect(page.get_by_role("button", name=re.compile("MitID"))).to_be_visible()
