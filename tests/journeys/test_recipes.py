"""The recipes of the manuals and the examples of the access model, as an administrator ticks them and patients see them.

Every example stands in the order of the access model's table; each goes on from the one before.
"""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.people import (
    ImportedPatient,
    books,
    is_accessible,
    patient_signs_in,
    shows_the_second_step_if_asked,
    staff_signs_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("recipes")]

CLINIC = "recipes"
NAMES = {"koman": "Magnard Koman", "lege": "Sjef Lege", "lent": "Konsu Lent", "test": "Tuva Test"}
OTHERS = "others"


class Recipes:
    """The administrator's browser, and those of three patients: Koman's, Lege's, and one without a GP."""

    def __init__(self, product, open_page):
        self.told = product.fill("recipe_clinic", identifier=CLINIC)
        self.patients = self._imported(product)
        self.admin = open_page()
        staff_signs_in(
            self.admin,
            email=self.told["admin"],
            password=self.told["password"],
            secret=self.told["admin_secret"],
        )
        self.pages = {}
        for key, patient in self.patients.items():
            self.pages[key] = open_page(width=375)
            patient_signs_in(self.pages[key], CLINIC, patient)

    def _imported(self, product):
        made = product.folder / "recipes-made.csv"
        product.manage("make_patients", str(made), "--clinic", CLINIC, "--count", "60")
        rows = [line.split(";") for line in made.read_text(encoding="utf-8-sig").splitlines()[1:]]
        chosen = {}
        for key, initials in (("koman", "MK"), ("lege", "SL"), (OTHERS, "")):
            row = next(row for row in rows if row[5] == initials and row[6] == "yes" and row[3])
            chosen[key] = ImportedPatient(row[0], row[1], row[2], row[3])
        product.manage("import_patients", str(made), "--clinic", CLINIC, "--apply")
        return chosen

    def rights(self, provider, column, **ticks):
        """Set boxes of a provider's column, as in "booking=True, approval='automatic'"."""
        page = self.admin
        page.goto(f"/{CLINIC}/admin/services/{self.told[provider]}/")
        for name, value in ticks.items():
            if name == "approval":
                page.locator(f"input[name={column}-approval][value={value}]").check()
            else:
                page.locator(f"input[name={column}-{name}]").set_checked(value)
        self._save()

    def tick(self, service, *cells, on=True):
        """Tick (list, provider) cells of a service and save once."""
        page = self.admin
        page.goto(f"/{CLINIC}/admin/matrix/{service}/")
        for row, provider in cells:
            key = OTHERS if row == OTHERS else self.told[row]
            page.locator(f"input[name=tick][value='{key}:{self.told[provider]}']").set_checked(on)
        self._save()

    def _save(self):
        self.admin.locator(".save-bar").get_by_role("button", name="Save", exact=True).click()
        shows_the_second_step_if_asked(self.admin, self.told["admin_secret"])
        again = self.admin.get_by_role("button", name="Save all the same")
        if again.count():
            again.click()
            shows_the_second_step_if_asked(self.admin, self.told["admin_secret"])
        expect(self.admin.locator("#notices")).not_to_be_empty()

    def offered(self, patient, day=None):
        """Return provider -> kinds of times that the patient is offered on the day (in two days if not said)."""
        page = self.pages[patient]
        day = day or self.day(2)
        page.goto(f"/{CLINIC}/book/?from={day:%Y-%m-%d}")
        found = {}
        for key, name in NAMES.items():
            link = page.locator("#offer a", has_text=name).first
            if not link.count():
                continue
            page.goto(f"/{CLINIC}/book/?from={day:%Y-%m-%d}&provider={self.told[key]}")
            section = page.locator("section.day").filter(has_text=re.compile(rf"{day.day} {day:%B}"))
            kinds = section.locator("a.time").evaluate_all("times => times.map(time => time.dataset.state)")
            if kinds:
                found[key] = set(kinds)
        return found

    def page_of(self, patient):
        """Find the patient by name as staff do, and return the address of the patient's page."""
        person, page = self.patients[patient], self.admin
        page.goto(f"/{CLINIC}/staff/patients/")
        page.locator("main input[name=q]").fill(f"{person.given_name} {person.family_name}")
        page.locator("main form button[type=submit]").first.click()
        page.locator("main a", has_text=person.family_name).first.click()
        page.wait_for_url(re.compile(r"/staff/patients/[0-9a-f-]{36}/"))
        return page.url

    def day(self, ahead):
        return date.fromisoformat(self.told["today"]) + timedelta(days=ahead)


@pytest.fixture(scope="module")
def recipes(product, chromium):
    contexts = []

    def open_page(width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900}, base_url=product.address)
        context.add_cookies([{"name": "django_language", "value": "en", "url": product.address}])
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield Recipes(product, open_page)
    for context in contexts:
        context.close()


def test_new_clinic_nothing_ticked_nobody_may_do_anything(recipes):
    for patient in recipes.patients:
        assert recipes.offered(patient) == {}
        expect(recipes.pages[patient].locator("main")).to_contain_text("You can't book online here")


def test_only_the_own_gp(recipes):
    recipes.rights("koman", "with-gp", booking=True, approval="automatic", cancelling=True)
    recipes.tick("booking", ("koman", "koman"))
    assert recipes.offered("koman") == {"koman": {"free"}}
    assert recipes.offered("lege") == {}
    assert recipes.offered(OTHERS) == {}


def test_the_gp_and_the_locum_approval_still_from_the_gps_column(recipes):
    recipes.tick("booking", ("koman", "lent"))
    assert recipes.offered("koman") == {"koman": {"free"}, "lent": {"free"}}
    page = recipes.pages["koman"]
    page.goto(f"/{CLINIC}/book/?from={recipes.day(3):%Y-%m-%d}&provider={recipes.told['lent']}")
    page.locator("a.time").first.click()
    expect(page.get_by_role("button", name="Book this time")).to_be_visible()


def test_only_gp_locum_and_intern(recipes):
    recipes.tick("booking", ("koman", "test"))
    assert set(recipes.offered("koman")) == {"koman", "lent", "test"}
    assert recipes.offered("lege") == {}
    recipes.tick("booking", ("koman", "test"), on=False)


def test_an_intern_takes_urgent_times_and_everyone_without_a_gp(recipes):
    recipes.rights("lege", "with-gp", booking=True, approval="by-hand", cancelling=True)
    recipes.rights("test", "without-gp", booking=True, approval="automatic", cancelling=True)
    recipes.tick("urgent", ("koman", "test"), ("lege", "test"), (OTHERS, "test"))
    recipes.tick("booking", (OTHERS, "test"))
    tomorrow = recipes.day(1)
    assert recipes.offered(OTHERS, tomorrow) == {"test": {"free", "urgent"}}
    assert recipes.offered("lege", tomorrow) == {"test": {"urgent"}}
    assert recipes.offered("koman", tomorrow) == {"koman": {"free"}, "lent": {"free"}, "test": {"urgent"}}
    assert recipes.offered(OTHERS) == {"test": {"free"}}, "urgent times are out for tomorrow only"


def test_one_doctor_takes_all_urgent_times_this_week(recipes):
    rows = ("koman", "lege", OTHERS)
    recipes.tick("urgent", *((row, "test") for row in rows), on=False)
    recipes.tick("urgent", *((row, "lege") for row in rows))
    tomorrow = recipes.day(1)
    assert recipes.offered("lege", tomorrow) == {"lege": {"urgent"}}
    assert recipes.offered("koman", tomorrow)["lege"] == {"urgent"}
    recipes.tick("urgent", *((row, "lege") for row in rows), on=False)


def why(recipes, patient, *, service, provider, signed_in):
    """The staff's answer to "why can't this patient": the page's text."""
    page = recipes.admin
    uuid = recipes.page_of(patient).rstrip("/").rsplit("/", 1)[1]
    page.goto(
        f"/{CLINIC}/admin/why/?patient={uuid}&service={service}&provider={recipes.told[provider]}"
        f"&day={recipes.day(0)}&signed_in={signed_in}"
    )
    is_accessible(page)
    return page.locator("main").inner_text()


def test_consultation_is_closed_for_all_but_one(recipes):
    recipes.tick("consultation", ("koman", "koman"))
    page = recipes.admin
    address = recipes.page_of("koman")
    page.goto(address.rstrip("/") + "/portal/")
    is_accessible(page)
    page.locator("input[name=consultation][value=yes]").check()
    page.locator(".save-bar").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#notices")).not_to_be_empty()
    only_one = why(recipes, "koman", service="consultation", provider="koman", signed_in="eid")
    assert "Yes, this patient can" in only_one
    others = why(recipes, "lege", service="consultation", provider="koman", signed_in="eid")
    assert "No, this patient can't" in others
    assert "This is why" in others


def test_a_code_is_enough_to_book_and_not_to_write(recipes):
    booking = why(recipes, "koman", service="booking", provider="koman", signed_in="code")
    assert "Yes, this patient can" in booking
    writing = why(recipes, "koman", service="consultation", provider="koman", signed_in="code")
    assert "No, this patient can't" in writing


def test_an_absence_is_covered_and_ends_by_itself(recipes):
    page = recipes.admin
    recipes.tick("booking", ("koman", "lent"), on=False)
    assert set(recipes.offered("koman", recipes.day(4))) == {"koman"}
    page.goto(f"/{CLINIC}/admin/absences/")
    page.locator("select[name=provider]").select_option(recipes.told["koman"])
    page.locator("input[name=first_day]").fill(recipes.day(4).isoformat())
    page.locator("input[name=last_day]").fill(recipes.day(6).isoformat())
    page.locator("select[name=cover]").select_option(recipes.told["lent"])
    is_accessible(page)
    page.get_by_role("button", name="Save the absence").click()
    page.wait_for_load_state()
    again = page.get_by_role("button", name="Save all the same")
    if again.count():
        again.click()
    expect(page.locator("main")).to_contain_text("Magnard Koman")
    assert set(recipes.offered("koman", recipes.day(3))) == {"koman"}
    assert set(recipes.offered("koman", recipes.day(4))) == {"lent"}
    assert set(recipes.offered("koman", recipes.day(6))) == {"lent"}
    assert set(recipes.offered("koman", recipes.day(7))) == {"koman"}


def test_a_right_taken_away_leaves_the_appointment_and_allows_no_new_one(recipes):
    page = recipes.pages["koman"]
    page.goto(f"/{CLINIC}/book/?provider={recipes.told['koman']}&from={recipes.day(2):%Y-%m-%d}")
    clock = page.locator("a.time").first.locator("span").first.inner_text()
    appointment = books(page, CLINIC, clock, "Blood pressure", reminder=False)
    recipes.rights("koman", "with-gp", booking=False)
    assert recipes.offered("koman") == {}
    page.goto(appointment)
    expect(page.locator("main")).to_contain_text("Booked")
    expect(page.get_by_role("link", name="Cancel the appointment")).to_be_visible()


def test_on_a_phone_every_box_of_the_matrix_can_be_seen_and_pressed(recipes):
    page = recipes.admin
    wide = page.viewport_size
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"/{CLINIC}/admin/matrix/booking/")
    inside = page.locator(".matrix tbody td").evaluate_all(
        """cells => cells.map(cell => {
            const row = cell.closest("tr").getBoundingClientRect();
            const box = cell.querySelector("input").getBoundingClientRect();
            return box.height > 20 && box.top >= row.top && box.bottom <= row.bottom && box.right <= innerWidth;
        })"""
    )
    page.set_viewport_size(wide)
    assert len(inside) > 4
    assert all(inside)
