"""The end of a session on a phone's screen: the warning, staying, what was typed, and ending another browser's."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import imported, is_accessible, patient_signs_in

pytestmark = pytest.mark.browser

CLINIC = "sessions"
TYPED = "ny.adresse@x.example"
PHONE = {"width": 375, "height": 740}
UNTIL_WARNED = 25_000
"""Milliseconds; /dev/ lets the session end after thirty seconds, and the warning comes fifteen before."""
UNTIL_OVER = 45_000


@pytest.fixture(scope="module")
def patients(product):
    """A clinic with a few invented patients."""
    product.fill("new_clinic", identifier=CLINIC, minutes=90)
    return imported(product, CLINIC, count=100)


def shorten(page):
    """Let the session end soon."""
    page.goto("/dev/")
    page.get_by_role("button", name="Let my session end after half a minute").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Whom you can be")


def signs_in_again(page, patient):
    """Prove it with BankID on the page where one was led."""
    page.get_by_role("button", name=re.compile("BankID")).click()
    signs_in_at_the_provider(page, patient)


def signs_in_at_the_provider(page, patient):
    """Say who one is at the demo's provider."""
    page.get_by_label("Someone else, with a test number").check()
    if not page.locator("input[name=number]").is_visible():
        page.locator("summary").click()
    page.locator("input[name=number]").fill(patient.national_id)
    page.locator("input[name=given_name]").fill(patient.given_name)
    page.locator("input[name=family_name]").fill(patient.family_name)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.long
def test_the_warning_comes_staying_is_one_press_in_all_tabs_and_typed_text_comes_back(
    product, patients, new_page
):
    mine = new_page(**PHONE)
    patient_signs_in(mine, CLINIC, patients[0])
    shorten(mine)
    details = f"/{CLINIC}/my-details/"
    mine.goto(details)
    other = mine.context.new_page()
    other.goto(details)
    mine.bring_to_front()
    mine.locator("input[name=email]").fill(TYPED)

    warning, there = mine.get_by_role("alertdialog"), other.get_by_role("alertdialog")
    expect(warning).to_be_visible(timeout=UNTIL_WARNED)
    expect(warning).to_have_accessible_name("You are about to be signed out")
    expect(mine.get_by_role("button", name="Stay signed in")).to_be_focused()
    assert re.search(r"0:\d\d", warning.inner_text())
    expect(warning.locator("[data-spoken]")).to_have_text(re.compile(r"10 seconds left|^$"))
    is_accessible(mine)
    mine.screenshot(path=product.folder / "warning-375.png")
    expect(there).to_be_visible(timeout=UNTIL_WARNED)
    mine.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()
    expect(there).to_be_hidden()
    expect(mine.locator("input[name=email]")).to_be_focused()
    expect(mine.locator("input[name=email]")).to_have_value(TYPED)

    expect(warning).to_be_visible(timeout=UNTIL_WARNED)
    mine.keyboard.press("Escape")
    expect(warning).to_be_hidden()

    mine.wait_for_url(re.compile(rf"/{CLINIC}/\?next="), timeout=UNTIL_OVER)
    expect(mine.locator("main")).to_contain_text("You were signed out because the page was not used")
    assert TYPED not in mine.content()
    is_accessible(mine)
    mine.screenshot(path=product.folder / "ended-375.png", full_page=True)
    other.wait_for_url(re.compile(rf"/{CLINIC}/\?next="), timeout=UNTIL_OVER)

    signs_in_again(mine, patients[0])
    mine.wait_for_url(re.compile("/my-details/$"))
    expect(mine.locator("input[name=email]")).to_have_value(TYPED)
    expect(mine.locator("#notices")).to_contain_text("This is what you had typed")
    is_accessible(mine)
    mine.screenshot(path=product.folder / "kept-375.png", full_page=True)
    mine.reload()
    mine.locator("main form button[type=submit]", has_text="Save").click()
    expect(mine.locator("#notices")).not_to_contain_text("had typed")


@pytest.mark.long
def test_without_scripts_nothing_typed_is_lost_either(product, patients, new_page):
    mine = new_page(**PHONE, scripts=False)
    patient_signs_in(mine, CLINIC, patients[1])
    shorten(mine)
    mine.goto(f"/{CLINIC}/my-details/")
    mine.locator("input[name=email]").fill(TYPED)
    mine.wait_for_timeout(32_000)
    mine.locator("main form button[type=submit]", has_text="Save").click()
    expect(mine.locator("main")).to_contain_text("Nothing has been sent. Sign in again")
    mine.screenshot(path=product.folder / "sent-late-375.png", full_page=True)
    signs_in_again(mine, patients[1])
    mine.wait_for_url(re.compile("/my-details/$"))
    expect(mine.locator("input[name=email]")).to_have_value(TYPED)
    mine.get_by_role("button", name="Throw it away").click()
    mine.wait_for_url(re.compile("/my-details/$"))
    expect(mine.locator("input[name=email]")).not_to_have_value(TYPED)


def test_another_browsers_session_is_ended_from_the_list(product, patients, new_page):
    here, there = new_page(**PHONE), new_page()
    for page in (here, there):
        patient_signs_in(page, CLINIC, patients[2])
    here.goto(f"/{CLINIC}/my-details/")
    here.get_by_role("link", name=re.compile("Where you are signed in")).click()
    expect(here.get_by_role("heading", level=1)).to_have_text("Where you are signed in")
    rows = here.locator("main .rows > li")
    expect(rows.nth(1)).to_be_visible()
    before = rows.count()
    expect(rows.first).to_contain_text("Here")
    expect(rows.first).to_contain_text("Chrome on Linux")
    is_accessible(here)
    here.screenshot(path=product.folder / "list-375.png", full_page=True)
    rows.nth(1).get_by_role("button", name="End").click()
    expect(here.locator("#notices")).to_contain_text("That session is ended.")
    expect(rows).to_have_count(before - 1)
    there.goto(f"/{CLINIC}/start/")
    expect(there.locator("main")).to_contain_text("you ended this session from another device")
    is_accessible(there)
    here.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(here.get_by_role("heading", level=1)).to_have_text("You are signed out")


@pytest.mark.long
def test_the_longest_time_is_told_and_cannot_be_made_longer(product, patients, new_page):
    mine = new_page(**PHONE)
    patient_signs_in(mine, CLINIC, patients[3])
    product.fill("age_sessions", opened_seconds_ago=4 * 3600 - 40, signed_in_seconds_ago=0)
    mine.goto(f"/{CLINIC}/my-details/")
    warning = mine.get_by_role("alertdialog")
    expect(warning).to_be_visible()
    expect(warning.get_by_text("A sign-in lasts for some hours at most.")).to_be_visible()
    expect(warning.get_by_text("Do you want to stay signed in?")).to_be_hidden()
    is_accessible(mine)
    mine.get_by_role("button", name="Go on until then").click()
    expect(warning).to_be_hidden()
    mine.locator("input[name=email]").fill(TYPED)
    mine.wait_for_url(re.compile(rf"/{CLINIC}/\?next="), timeout=UNTIL_OVER)
    expect(mine.locator("main")).to_contain_text("a sign-in lasts for some hours at most")
    signs_in_again(mine, patients[3])
    mine.wait_for_url(re.compile("/my-details/$"))
    expect(mine.locator("input[name=email]")).to_have_value(TYPED)


@pytest.mark.long
def test_a_recent_eid_is_asked_for_and_what_was_typed_is_there_afterwards(product, patients, new_page):
    mine = new_page(**PHONE)
    patient_signs_in(mine, CLINIC, patients[4])
    product.fill("age_sessions", opened_seconds_ago=1200, signed_in_seconds_ago=1200)
    mine.goto(f"/{CLINIC}/my-details/")
    mine.locator("input[name=email]").fill(TYPED)
    mine.locator("main form button[type=submit]", has_text="Save").click()
    expect(mine.get_by_role("heading", level=1)).to_have_text("Show that it is you")
    expect(mine.locator("main")).to_contain_text("Before they are changed, we make sure that it is you.")
    is_accessible(mine)
    mine.screenshot(path=product.folder / "prove-375.png", full_page=True)
    mine.get_by_role("button", name=re.compile("Go on with BankID")).click()
    signs_in_at_the_provider(mine, patients[4])
    mine.wait_for_url(re.compile("/my-details/$"))
    expect(mine.locator("input[name=email]")).to_have_value(TYPED)
    mine.locator("main form button[type=submit]", has_text="Save").click()
    expect(mine.get_by_role("heading", level=1)).to_have_text("My details")
    expect(mine.locator("#notices")).not_to_contain_text("had typed")
