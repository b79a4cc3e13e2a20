"""A clinic's main job from the import of its patients to a cancelled appointment, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.people import (
    books,
    cancels,
    is_accessible,
    patient_signs_in,
    staff_signs_in,
    with_mobile,
)

pytestmark = pytest.mark.browser

CLINIC = "journey"
MINUTES_UNTIL_REMINDER = 2


@pytest.fixture(scope="module")
def clinic(product):
    """A clinic with everything off, its patients imported from a file of invented people."""
    told = product.fill("new_clinic", identifier=CLINIC, minutes=MINUTES_UNTIL_REMINDER)
    file = product.folder / "patients.csv"
    product.manage("make_patients", str(file), "--clinic", CLINIC, "--count", "200")
    dry = product.manage("import_patients", str(file), "--clinic", CLINIC)
    assert "200" in dry.stdout
    product.manage("import_patients", str(file), "--clinic", CLINIC, "--apply")
    return told | {"patients": with_mobile(file, "GL")}


def admin_opens_booking(page, told):
    """Ticks the right and the matrix cell, in the browser."""
    staff_signs_in(page, email=told["admin"], password=told["password"], secret=told["admin_secret"])
    page.goto(f"/{CLINIC}/admin/services/{told['provider']}/")
    page.locator("input[name=with-gp-booking]").check()
    page.locator("input[name=with-gp-approval][value=by-hand]").check()
    page.locator("input[name=with-gp-cancelling]").check()
    is_accessible(page)
    page.locator(".save-bar").get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).not_to_be_empty()
    page.goto(f"/{CLINIC}/admin/matrix/booking/")
    page.locator(f"input[name=tick][value='{told['provider']}:{told['provider']}']").check()
    is_accessible(page)
    page.locator(".save-bar").get_by_role("button", name="Save").click()
    expect(page.locator(f"input[name=tick][value='{told['provider']}:{told['provider']}']")).to_be_checked()
    expect(page.locator("#notices")).not_to_be_empty()


def test_a_patient_books_is_approved_reminded_and_cancels(product, clinic, new_page):
    patient = clinic["patients"][0]
    mine = new_page()

    patient_signs_in(mine, CLINIC, patient)
    expect(mine.locator("main")).to_contain_text("Online booking is not open to you")

    admin_opens_booking(new_page(), clinic)

    phone = new_page()
    had = the_phone_shows(phone, patient.mobile, at_least=0)
    start = clinic["start"]
    appointment = books(mine, CLINIC, start, "A cough for three weeks", reminder=True)
    expect(mine.locator("main")).to_contain_text("Waits for approval")
    is_accessible(mine)
    mine.goto(f"/{CLINIC}/book/")
    expect(mine.locator("a.time", has_text=start)).to_have_count(0)

    secretary = new_page()
    staff_signs_in(
        secretary, email=clinic["secretary"], password=clinic["password"], secret=clinic["secretary_secret"]
    )
    secretary.goto(f"/{CLINIC}/staff/calendar/?day={clinic['day']}")
    expect(secretary.locator("main")).to_contain_text(patient.family_name)
    is_accessible(secretary)
    secretary.goto(f"/{CLINIC}/staff/waiting/")
    expect(secretary.locator("main")).to_contain_text("A cough for three weeks")
    is_accessible(secretary)
    secretary.get_by_role("button", name=re.compile("Approve")).first.click()
    expect(secretary.locator("main")).to_contain_text("Nothing is waiting")

    mine.goto(appointment)
    expect(mine.locator("main")).to_contain_text("Booked")

    told = the_phone_shows(phone, patient.mobile, at_least=had + 2)
    assert told - had in {2, 3}, "on a slow machine it is time already"
    assert the_phone_shows(phone, patient.mobile, at_least=had + 3, within=240) == had + 3

    cancels(mine, appointment)
    assert the_phone_shows(phone, patient.mobile, at_least=had + 4) == had + 4
    mine.goto(f"/{CLINIC}/book/")
    expect(mine.locator("a.time", has_text=start).first).to_be_visible()


def the_phone_shows(page, mobile, *, at_least, within=60):
    """Wait for so many SMS to the number (asked for, approved, reminded, cancelled) and return how many there are."""
    deadline = time.monotonic() + within
    while True:
        page.goto(f"/dev/phone/?to={mobile.replace('+', '%2B')}")
        shown = page.locator(".phone-message:not(.phone-mail)").count()
        if shown >= at_least:
            return shown
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        time.sleep(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_the_patients_part_on_a_phone(clinic, new_page, scripts):
    """Runs after the administrator has opened booking."""
    patient = clinic["patients"][1 if scripts else 2]
    page = new_page(width=375, height=740, scripts=scripts)
    patient_signs_in(page, CLINIC, patient)
    page.goto(f"/{CLINIC}/book/")
    taken = page.locator("a.time").first.locator("span").first.inner_text()
    appointment = books(page, CLINIC, taken, "Blood pressure", reminder=False)
    expect(page.locator("main")).to_contain_text("Waits for approval")
    if scripts:
        is_accessible(page)
    page.go_back()
    page.goto(f"/{CLINIC}/appointments/")
    expect(page.locator("main a[href*='/appointments/']")).to_have_count(1)
    cancels(page, appointment)
    page.get_by_role("button", name="Sign out").click()
    if scripts:  # the browser goes to BankID and comes back by itself
        expect(page).to_have_url(re.compile(r"/signed-out/\?at=bankid"))
    page.goto(appointment)
    expect(page).to_have_url(re.compile(rf"/{CLINIC}/(\?.*)?$"))


def test_the_reason_is_kept_when_someone_else_is_faster(clinic, new_page):
    slow, fast = new_page(), new_page()
    patient_signs_in(slow, CLINIC, clinic["patients"][3])
    patient_signs_in(fast, CLINIC, clinic["patients"][4])
    slow.goto(f"/{CLINIC}/book/")
    time_wanted = slow.locator("a.time").last.locator("span").first.inner_text()
    slow.locator("a.time").last.click()
    slow.locator("textarea[name=reason]").fill("Dizzy in the mornings")
    books(fast, CLINIC, time_wanted, "A certificate", reminder=False)
    slow.locator("main form button[type=submit]").first.click()
    expect(slow.locator("main")).to_contain_text("Someone else has just taken this time.")
    expect(slow.locator("textarea[name=reason]")).to_have_value("Dizzy in the mornings")
    answered = slow.url
    slow.get_by_role("link", name="All free times").click()
    expect(slow.get_by_role("heading", level=1)).to_have_text("Book a time")
    slow.go_back()  # fails where the browser would have to send the form once more
    expect(slow).to_have_url(answered)
    expect(slow.get_by_role("heading", level=1)).to_have_text(
        re.compile("Choose another time|Book this time")
    )


def test_no_log_line_knows_a_patient(product, clinic):
    """Runs last: what web server, worker and mailbox wrote holds no national ID, number, name or reason."""
    logs = "\n".join(path.read_text(errors="replace") for path in (product.folder / "log").glob("*.log"))
    assert '"route": "booking:book"' in logs, "the journeys left no trace in the logs"
    secrets = ["A cough for three weeks", "Dizzy in the mornings", clinic["password"]]
    for patient in clinic["patients"][:5]:
        secrets += [patient.national_id, patient.mobile, patient.mobile[-8:], patient.family_name + '"']
    assert [secret for secret in secrets if secret in logs] == []
