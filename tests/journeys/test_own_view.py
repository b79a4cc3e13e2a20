"""A patient on a phone asks who has seen her data, takes it out, leaves the portal, and comes back."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(product):
    """The demo's clinics."""
    product.manage("make_demo")


def signs_in(page):
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Donald Andersen").check()
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_patient_sees_who_looked_takes_the_data_out_leaves_and_comes_back(product, demo, new_page):
    page = new_page(width=375, height=760)
    signs_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Is this still right|Hello"))
    if page.get_by_role("button", name="Later").count():
        page.get_by_role("button", name="Later").click()  # the question has a journey of its own
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Donald")

    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="My page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My page")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-hub.png", full_page=True)

    page.get_by_role("link", name=re.compile("Who has seen or changed my data")).click()
    expect(page.locator("main")).to_contain_text("Opened the patient page")
    expect(page.locator("main")).to_contain_text("3 times")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-log.png", full_page=True)
    page.get_by_label("By").select_option("portal")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main ol.rows")).not_to_contain_text("Opened the patient page")

    page.get_by_role("link", name="My page").first.click()
    page.get_by_role("link", name=re.compile("My sign-ins")).click()
    expect(page.locator("main ol.rows")).to_contain_text("Signed in")
    expect(page.locator("main ol.rows")).to_contain_text("Chrome on Linux")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-sign-ins.png", full_page=True)
    for name in ("ways-in", "clinics"):
        page.goto(f"/bakken/my-page/{name}/")
        is_accessible(page)
        page.screenshot(path=product.folder / f"own-{name}.png", full_page=True)

    page.goto("/bakken/my-page/data/")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-data.png", full_page=True)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download for machines (JSON)").click()
    told = json.loads(taken.value.path().read_text(encoding="utf-8"))
    assert told["record"]["given_name"] == "Donald"
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download to read").click()
    assert re.fullmatch(r"my-data-[\d-]+\.html", taken.value.suggested_filename)
    taken.value.save_as(product.folder / "own.html")
    readable = new_page(width=375, height=760)
    readable.goto((product.folder / "own.html").as_uri())
    expect(readable.get_by_role("heading", level=1)).to_contain_text("Donald")
    is_accessible(readable)

    page.goto("/bakken/my-page/leave/")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-leave.png", full_page=True)
    page.get_by_role("button", name="Leave the portal").click()
    expect(page.locator("main")).to_contain_text("Tick this if you want to leave.")
    is_accessible(page)
    page.get_by_label("Yes, I want to leave the portal of this clinic").check()
    page.get_by_role("button", name="Leave the portal").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have left the portal")
    is_accessible(page)
    page.goto("/bakken/start/")
    expect(page).to_have_url(re.compile(r"/bakken/\?next="))

    signs_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Register at")
    is_accessible(page)
    if not page.get_by_label("E-mail", exact=True).input_value():
        for name in ("email", "email_again"):
            page.locator(f"input[name={name}]").fill("donald@example.no")
    page.locator("input[name=terms]").check()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Donald")


@pytest.mark.long
def test_a_mother_sees_who_has_seen_her_childs_data_and_nothing_more(product, demo, new_page):
    page = new_page(width=375, height=760)
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Line Danser").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Act for Ola").click()
    expect(page.locator(".acting")).to_contain_text("You are acting for Ola Danser")
    is_accessible(page)
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Who has seen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who has seen or changed the data of Ola")
    expect(page.locator("main ol.rows")).to_contain_text("Siv Skranke")
    expect(page.locator("main ol.rows")).to_contain_text("Line Danser (guardian)")
    is_accessible(page)
    page.screenshot(path=product.folder / "own-child.png", full_page=True)
    page.goto("/bakken/my-page/data/")
    expect(page.locator("main")).not_to_contain_text("Download to read")


@pytest.mark.long
def test_everything_works_without_scripts_on_a_wide_screen(product, demo, new_page):
    page = new_page(width=1280, height=900, scripts=False, language="nb")
    page.goto("/bakken/")
    page.get_by_role("button", name=re.compile("BankID")).click()
    page.get_by_label("Finn Dottno").check()
    page.get_by_role("button", name="Logg inn", exact=True).click()
    for name in ("", "who/", "sign-ins/", "ways-in/", "clinics/", "data/", "leave/"):
        page.goto(f"/bakken/my-page/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.screenshot(path=product.folder / f"own-wide-{name.strip('/') or 'hub'}.png", full_page=True)
    page.goto("/bakken/my-page/sign-ins/")
    expect(page.locator("main ol.rows")).to_contain_text("Innloggingen mislyktes: feil passord")
    page.goto("/bakken/my-page/data/")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Last ned for å lese").click()
    assert "Hvem har sett eller endret opplysningene dine" in taken.value.path().read_text(encoding="utf-8")
