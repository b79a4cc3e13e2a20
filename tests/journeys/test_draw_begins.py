"""From a clinic that draws nothing to a draw that can be checked: the clock holds it, and everyone reads the same."""

import hashlib
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import expect

from tests.journeys.people import (
    imported,
    is_accessible,
    patient_signs_in,
    shows_the_second_step_if_asked,
)

pytestmark = [pytest.mark.browser, pytest.mark.long]
CLINIC = "begins"


@pytest.fixture(scope="module")
def clinic(product):
    told = product.fill("fair_clinic", identifier=CLINIC, draws=False)
    return told | {"patients": imported(product, CLINIC, count=60)}


def seconds_to_draw(product, day):
    """Wait, without a look at any page, until lots are drawn; return how many seconds after the window that was."""
    for _look in range(80):
        with psycopg.connect(product.environment["DATABASE_URL"]) as connection:
            found = connection.execute(
                "SELECT extract(epoch FROM drawn_at - closes_at) FROM booking_draw draw"
                " JOIN clinic_admin_clinic clinic ON clinic.id = draw.clinic_id"
                " WHERE portal_identifier = %s AND day = %s",
                [CLINIC, day],
            ).fetchone()
        if found is not None and found[0] is not None:
            return found[0]
        time.sleep(5)
    raise AssertionError("nobody held the draw")


def asks(page, patient):
    """Sign in, find the window, and ask; return the address of the request."""
    patient_signs_in(page, CLINIC, patient)
    page.goto(f"/{CLINIC}/book/")
    page.get_by_role("link", name="Ask for an urgent time").click()
    page.locator("textarea[name=reason]").fill("Fever since Monday")
    page.get_by_role("button", name="Put me in the draw").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in the draw")
    return page.url


def test_a_clinic_begins_to_draw_and_everyone_can_check_what_came_of_it(clinic, person, new_page, product):
    admin = person("admin")
    admin.goto(f"/{CLINIC}/admin/clinic/")
    opens_at = datetime.now(ZoneInfo(clinic["zone"])) - timedelta(
        minutes=2
    )  # so that it is open for three more
    admin.locator("input[name=urgent_release_at]").fill(f"{opens_at:%H:%M}")
    admin.locator("input[name=draws_urgent]").check()
    admin.locator("input[name=draw_minutes]").fill("5")
    admin.get_by_role("button", name="Save address and settings").click()
    expect(admin.get_by_role("alert")).to_contain_text("Urgent times are out just now")
    is_accessible(admin)
    admin.get_by_role("button", name="Save all the same").click()
    shows_the_second_step_if_asked(admin, clinic["admin_secret"])
    expect(admin.locator("#notices")).to_contain_text("The settings are saved.")

    phone, desk = new_page(width=375, height=740), new_page(scripts=False)
    mine, yours = asks(phone, clinic["patients"][0]), asks(desk, clinic["patients"][1])
    published = phone.locator("code").first.text_content()
    secretary = person("secretary")
    secretary.goto(f"/{CLINIC}/staff/release/")
    expect(secretary.locator("main")).to_contain_text("The window is open now")
    expect(secretary.locator("main")).not_to_contain_text(clinic["patients"][0].family_name)
    secretary.goto(f"/{CLINIC}/staff/calendar/?day={clinic['day']}")
    expect(secretary.locator("a.entry[data-kind=held]")).to_contain_text("For the draw at")

    for page in (phone, desk, secretary, admin):  # so that none of them holds the draw
        page.goto("about:blank")
    assert seconds_to_draw(product, clinic["day"]) < 60

    phone.goto(mine)
    desk.goto(yours)
    told = {page.get_by_role("heading", level=1).inner_text(): page for page in (phone, desk)}
    winner, loser = told["You got a time"], told["You got no time this time"]
    expect(loser.locator("main")).to_contain_text("No time was left")
    loser.get_by_role("link", name="Start", exact=True).click()
    expect(loser.locator("main")).to_contain_text("1 time was drawn; the place in the order was 2.")
    winner.get_by_role("link", name="See the appointment").click()
    expect(winner.locator("main")).to_contain_text("18:00")

    secretary.goto(f"/{CLINIC}/staff/release/")
    secretary.locator("#draws ~ ul a").first.click()
    expect(secretary.locator("main")).to_contain_text("Checked: the seed gives exactly this order")
    shown, seed = secretary.locator("dd code").all_inner_texts()
    assert shown == published == hashlib.sha256(seed.encode()).hexdigest()
    requests = [address.rstrip("/").rpartition("/")[2] for address in (mine, yours)]
    first = min(requests, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).hexdigest())
    assert (winner is phone) == (first == requests[0])
    checked = product.manage("check_draw", "--clinic", CLINIC, "--day", clinic["day"])
    assert seed in checked.stdout

    secretary.goto(f"/{CLINIC}/staff/calendar/?day={clinic['day']}")
    secretary.locator("a.entry", has_text="18:00").click()
    expect(secretary.locator("main")).to_contain_text("Fever since Monday")
