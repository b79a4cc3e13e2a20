"""What people do in the browser, step by step, in words of the product."""

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys import code_app
from tests.journeys.product import Product


@dataclass(frozen=True)
class ImportedPatient:
    """One row of the file that the clinic imported."""

    national_id: str
    given_name: str
    family_name: str
    mobile: str


def with_mobile(file: Path, gp: str) -> list[ImportedPatient]:
    """Adults of the file who are on the GP's list and have a mobile number."""
    with file.open(encoding="utf-8-sig") as opened:
        rows = list(csv.DictReader(opened, delimiter=";"))
    return [
        ImportedPatient(row["national_id"], row["given_name"], row["family_name"], row["mobile"])
        for row in rows
        if row["gp"] == gp and row["mobile"] and row["active"] == "yes"
    ]


def imported(product: Product, clinic: str, *, count: int) -> list[ImportedPatient]:
    """Import so many made-up patients into the clinic; return those on GL's list who have a mobile number."""
    file = product.folder / f"{clinic}.csv"
    product.manage("make_patients", str(file), "--clinic", clinic, "--count", str(count))
    product.manage("import_patients", str(file), "--clinic", clinic, "--apply")
    return with_mobile(file, "GL")


def staff_signs_in(page: Page, *, email: str, password: str, secret: str) -> None:
    """Password, then the code from the app."""
    page.goto("/staff/sign-in/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.locator("input[name=code]").fill(code_app.fresh_code(secret))
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def shows_the_second_step_if_asked(page: Page, secret: str) -> None:
    """Answer the question before a dangerous act, which comes when the last code is some minutes old."""
    page.wait_for_load_state()
    if page.get_by_role("heading", level=1).first.inner_text() != "Show that it is you":
        return
    page.locator("main input[name$=code]").fill(code_app.fresh_code(secret))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_load_state()


def patient_signs_in(page: Page, clinic: str, patient: ImportedPatient) -> None:
    """By BankID, as someone with a test number."""
    page.goto(f"/{clinic}/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Someone else, with a test number").check()
    if not page.locator("input[name=number]").is_visible():
        page.locator("summary").click()
    page.locator("input[name=number]").fill(patient.national_id)
    page.locator("input[name=given_name]").fill(patient.given_name)
    page.locator("input[name=family_name]").fill(patient.family_name)
    page.get_by_role("button", name="Sign in", exact=True).click()
    says_that_it_is_right(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {patient.given_name}")


def says_that_it_is_right(page: Page) -> None:
    """Answer the question about contact details, if it is asked: yes where there is something, else later."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("Is this still right|Hello"))
    if heading.inner_text() != "Is this still right?":
        return
    yes = page.get_by_role("button", name="Yes, this is right")
    (yes if yes.count() else page.get_by_role("button", name="Later")).click()


def books(page: Page, clinic: str, time: str, reason: str, *, reminder: bool) -> str:
    """Take the time and return the address of the appointment."""
    page.goto(f"/{clinic}/book/")
    page.locator("a.time", has_text=time).first.click()
    page.locator("textarea[name=reason]").fill(reason)
    if reminder:
        page.locator("input[name=wants_reminder]").check()
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/appointments/[0-9a-f-]{36}/"))
    return page.url


def cancels(page: Page, appointment: str) -> None:
    """Cancel from the appointment's page."""
    page.goto(appointment)
    page.get_by_role("link", name="Cancel the appointment").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator("main")).to_contain_text("Cancelled")


def is_accessible(page: Page) -> None:
    """No violation that the checker knows, and nothing wider than the window."""
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in Axe().run(page).response["violations"]
    ]
    assert not found, f"{page.url}: {found}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the window"


def look(page: Page, name: str) -> None:
    """Keep a picture, where somebody wants to look at it."""
    if folder := os.environ.get("VENTEROM_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
