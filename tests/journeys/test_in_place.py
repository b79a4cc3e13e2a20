"""A time that somebody else was quicker to take: told in place, with what was written and where the reader is kept."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import books, imported, is_accessible, look, patient_signs_in

pytestmark = pytest.mark.browser
CLINIC = "inplace"
REASON = "Dizzy in the mornings, mostly when I get up"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("earlier_clinic", identifier=CLINIC)
    return told | {"patients": imported(product, CLINIC, count=20)}


def test_who_is_slower_keeps_the_page_and_books_one_of_the_nearest_times(clinic, new_page):
    slow, fast = new_page(width=375, height=740), new_page()
    patient_signs_in(slow, CLINIC, clinic["patients"][0])
    patient_signs_in(fast, CLINIC, clinic["patients"][1])
    slow.goto(f"/{CLINIC}/book/")
    wanted = slow.locator("a.time").first.locator("span").first.inner_text()
    slow.locator("a.time").first.click()
    address = slow.url
    slow.locator("textarea[name=reason]").fill(REASON)
    books(fast, CLINIC, wanted, "A certificate", reminder=False)

    slow.get_by_role("button", name="Book this time").click()
    main = slow.locator("main")
    expect(main).to_contain_text("Someone else has just taken this time.")
    expect(slow).to_have_title(re.compile("Choose another time"))
    expect(slow.locator("textarea[name=reason]")).to_have_value(REASON)
    expect(slow.get_by_role("button", name="Book this time")).to_have_count(0)
    expect(slow.locator("[data-error-summary]")).to_be_focused()
    assert slow.url == address
    expect(main).to_contain_text("Book one of the nearest free times instead")
    is_accessible(slow)
    look(slow, "lost-375")
    slow.set_viewport_size({"width": 1280, "height": 900})
    look(slow, "lost-1280")

    slow.get_by_role("button", name=re.compile("^Book ")).first.click()
    expect(slow).to_have_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    expect(main).to_contain_text(REASON)
    slow.go_back()  # no question whether to send anything again
    expect(slow).to_have_url(address)


def test_a_mistake_is_told_in_the_place_of_the_page_and_a_lost_connection_beside_the_button(clinic, new_page):
    page = new_page(width=375, height=740)
    patient_signs_in(page, CLINIC, clinic["patients"][2])
    page.goto(f"/{CLINIC}/book/")
    page.locator("a.time").last.click()
    press = page.get_by_role("button", name="Book this time")
    press.click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    expect(page.locator("main")).to_contain_text("Write in a few words what it is about.")
    is_accessible(page)
    look(page, "mistake-375")

    page.locator("textarea[name=reason]").fill(REASON)
    page.context.set_offline(True)
    press.click()
    expect(page.get_by_text("It could not be sent")).to_be_visible()
    expect(page.locator("textarea[name=reason]")).to_have_value(REASON)
    look(page, "unsent-375")
    page.context.set_offline(False)
    press.dblclick()
    expect(page).to_have_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    page.goto(f"/{CLINIC}/appointments/")
    expect(page.locator("main a[href*='/appointments/']")).to_have_count(1)


def test_a_server_that_fails_leaves_what_was_written_where_it_stands(clinic, new_page):
    page = new_page()
    patient_signs_in(page, CLINIC, clinic["patients"][6])
    failing = page.context.new_page()  # only pages of new_page may see no failure
    failing.goto(f"/{CLINIC}/book/")
    failing.locator("#week-later").click()
    failing.locator("a.time").last.click()
    failing.locator("textarea[name=reason]").fill(REASON)
    failing.route("**/book/*/", lambda route: route.fulfill(status=503, body="<h1>Unavailable</h1>"))
    failing.get_by_role("button", name="Book this time").click()
    expect(failing.get_by_text("It could not be sent")).to_be_visible()
    expect(failing.locator("textarea[name=reason]")).to_have_value(REASON)


def test_what_can_t_be_answered_in_place_is_answered_by_its_own_page(clinic, new_page):
    """Here the browser lost the cookie against forged forms; the page that says so comes as it does without scripts."""
    page = new_page()
    patient_signs_in(page, CLINIC, clinic["patients"][3])
    page.goto(f"/{CLINIC}/book/")
    page.locator("#week-later").click()
    page.locator("a.time").last.click()
    address = page.url
    page.locator("textarea[name=reason]").fill(REASON)
    page.context.clear_cookies(name="csrf")
    page.get_by_role("button", name="Book this time").click()
    expect(page.locator("h1")).not_to_have_text("Book this time")
    assert page.url == address
    expect(page.locator("main")).to_contain_text(REASON)  # to be copied
    expect(page.get_by_role("link", name="Open the page again")).to_have_attribute(
        "href", re.compile("/book/[0-9]+/$")
    )
    is_accessible(page)
    look(page, "refused")


def signs_in_again(page, patient):
    """Prove it with BankID on the page where one was led."""
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Someone else, with a test number").check()
    if not page.locator("input[name=number]").is_visible():
        page.locator("summary").click()
    page.locator("input[name=number]").fill(patient.national_id)
    page.locator("input[name=given_name]").fill(patient.given_name)
    page.locator("input[name=family_name]").fill(patient.family_name)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.long)])
def test_who_signs_out_in_another_tab_finds_again_what_stood_in_this_one(clinic, new_page, scripts):
    page = new_page(width=375, height=740, scripts=scripts)
    patient = clinic["patients"][4 if scripts else 5]
    patient_signs_in(page, CLINIC, patient)
    page.goto(f"/{CLINIC}/book/")
    page.locator("#week-later").click()
    page.locator("a.time").last.click()
    address = page.url
    page.locator("textarea[name=reason]").fill(REASON)
    other = page.context.new_page()
    other.goto(f"/{CLINIC}/start/")
    other.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(other.get_by_role("heading", level=1)).to_have_text("You are signed out")
    if not scripts:
        page.get_by_role("button", name="Book this time").click()

    page.wait_for_url(re.compile(rf"/{CLINIC}/\?next="))
    expect(page.locator("main")).to_contain_text("You have signed out.")
    expect(page.locator("main")).to_contain_text("you come back to the page with what you had typed")
    assert REASON not in page.content()
    if scripts:
        assert REASON not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        is_accessible(page)
    look(page, f"signed-out-elsewhere-{scripts}")
    signs_in_again(page, patient)
    expect(page).to_have_url(address)
    expect(page.locator("textarea[name=reason]")).to_have_value(REASON)
    expect(page.locator("#notices")).to_contain_text("Nothing has been sent.")
    look(page, f"back-again-{scripts}")
    page.get_by_role("button", name="Book this time").click()
    expect(page).to_have_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    expect(page.locator("main")).to_contain_text(REASON)
