"""A secretary's morning: books by hand, moves by key and by pointer, blocks, says who came, prints; and by phone."""

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.journeys.people import is_accessible

pytestmark = pytest.mark.browser
CLINIC = "desk"


@pytest.fixture(scope="module")
def clinic(product):
    return product.fill("desk_clinic", identifier=CLINIC)


@pytest.fixture
def secretary(person):
    return partial(person, "secretary")


def books(page, who):
    """From a page that asks for whom: look for the patient, book, and put the rule aside."""
    page.locator("input[name=q]").fill(who)
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name=re.compile(who)).click()
    page.locator("textarea[name=reason]").fill("Back pain")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The patient may not book this with this provider")
    expect(page.locator("textarea[name=reason]")).to_have_value("Back pain")


def test_a_secretarys_morning(clinic, secretary, product):
    page = secretary(width=1280, height=1300)
    day = f"/{CLINIC}/staff/calendar/?day={clinic['tomorrow']}"
    page.goto(day)
    is_accessible(page)
    greta, dag = (page.get_by_role("region", name=name) for name in ("Greta Lege", "Dag Lege"))

    greta.locator("a.entry", has_text="09:00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For whom?")
    expect(page.locator("input[name=q]")).to_be_focused()
    is_accessible(page)
    books(page, "Kari")
    is_accessible(page)
    page.screenshot(path=product.folder / "rule.png", full_page=True)
    page.get_by_role("button", name="Book all the same").click()
    expect(page.locator("#notices")).to_contain_text("Booked. Kari Prøve is notified.")
    expect(page.locator(":focus")).to_contain_text("Kari Prøve")

    # by key
    page.keyboard.press("?")
    expect(page.locator(".key-help")).to_have_attribute("open", "")
    greta.locator("a.entry", has_text="Kari Prøve").focus()
    page.keyboard.press("m")
    page.wait_for_url(re.compile("move="))
    expect(page.locator("[data-moving]")).to_contain_text("Kari Prøve")
    page.screenshot(path=product.folder / "moving.png", full_page=True)
    is_accessible(page)
    expect(page.locator(":focus")).to_contain_text("09:20")
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_contain_text("10:00")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Move Kari Prøve")
    is_accessible(page)
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("button", name="Move all the same").click()
    expect(page.locator("#notices")).to_contain_text("Moved. Kari Prøve is notified.")
    expect(greta.locator("a.entry", has_text="Kari Prøve")).to_contain_text("10:00")

    # by pointer: onto a free time of somebody else, then to where nothing is
    entry = greta.locator("a.entry", has_text="Kari Prøve")
    goal = dag.locator("a.entry", has_text="09:20")
    drags(page, entry, goal)
    expect(page.locator("main")).to_contain_text("09:20 – 09:40, Dag Lege")
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("button", name="Move all the same").click()
    expect(dag.locator("a.entry", has_text="Kari Prøve")).to_contain_text("09:20")
    entry = dag.locator("a.entry", has_text="Kari Prøve")
    drags(page, entry, dag.locator("a.entry", has_text="10:00"), below=1.6)
    expect(page.locator("main")).to_contain_text("10:40 – 11:00, Dag Lege")
    page.get_by_label("Tell the patient").uncheck()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("Kari Prøve is moved.")

    # block and open again
    page.get_by_role("link", name="Block time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Block time")
    is_accessible(page)
    page.get_by_label("With").select_option(label="Dag Lege")
    page.get_by_label("From").fill("09:00")
    page.get_by_label("Until").fill("09:40")
    page.get_by_label("Reason").fill("Course")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(dag.locator("a.entry[data-kind=blocked]").first).to_contain_text("Course")
    dag.locator("a.entry[data-kind=blocked]").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Blocked time")
    expect(page.locator("main dl")).to_contain_text("09:00 – 09:40")
    is_accessible(page)
    page.get_by_role("button", name="Open it again").click()
    expect(dag.locator("a.entry[data-kind=free]")).to_have_count(3)

    # who came
    page.keyboard.press("t")
    page.wait_for_url(re.compile(clinic["today"]))
    page.get_by_role("link", name=re.compile("Per Prøve")).click()
    page.get_by_role("button", name="Arrived").click()
    expect(page.locator("#notices")).to_contain_text("Per Prøve has arrived.")
    is_accessible(page)
    page.goto(f"/{CLINIC}/staff/calendar/?day={clinic['today']}")
    expect(page.locator("a.entry[data-kind=arrived]")).to_contain_text("Per Prøve")
    page.set_viewport_size({"width": 1280, "height": 700})
    page.reload()
    expect(page.locator(".day-calendar .now").first).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 1300})

    # week and paper
    page.goto(day)
    page.keyboard.press("w")
    page.wait_for_url(re.compile("/desk/week/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Greta Lege")
    is_accessible(page)
    page.screenshot(path=product.folder / "week.png", full_page=True)
    page.keyboard.press("d")
    page.wait_for_url(re.compile("/staff/calendar/"))

    # the other keys that the help names
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda address: clinic["tomorrow"] not in address)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(clinic["tomorrow"]))
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_have_text("Book by hand")
    page.goto(day)
    dag.locator("a.entry", has_text="Kari Prøve").focus()
    page.keyboard.press("m")
    page.wait_for_url(re.compile("move="))
    expect(dag.locator("a.entry:focus")).to_contain_text(
        "10:00"
    )  # the nearest to 10:40, and not the day's first
    page.keyboard.press("Escape")
    page.wait_for_url(lambda address: "move=" not in address)
    colour = "getComputedStyle(document.querySelector('.day-calendar .entry b')).color"
    page.emulate_media(media="print")
    on_paper = page.evaluate(colour)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colour) == on_paper, "who has a dark screen has no dark paper"
    expect(page.get_by_role("link", name="Block time")).to_be_hidden()
    expect(page.locator(".key-help")).to_be_hidden()
    expect(dag.locator("a.entry", has_text="Kari Prøve")).to_be_visible()
    paper = page.pdf(prefer_css_page_size=True, path=product.folder / "day.pdf")
    assert len(re.findall(rb"/MediaBox", paper)) == 1, "the day fits on one sheet"
    page.screenshot(path=product.folder / "print.png", full_page=True)
    page.emulate_media(media="screen", color_scheme="light")


def drags(page, entry, goal, below=0):
    """Press on the entry, go to the middle of the goal, or as many of its heights below, and let go."""
    entry.hover()
    page.mouse.down()
    box = goal.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * (0.5 + below), steps=8)
    expect(page.locator(".drag-says")).to_be_visible()
    page.mouse.up()
    page.wait_for_url(re.compile("/move/"))


@pytest.mark.long
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_time_is_written_and_moved_in_plain_forms_on_a_phone(clinic, secretary, scripts):
    page = secretary(width=375, height=740, scripts=scripts)
    hour = "14" if scripts else "15"
    page.goto(f"/{CLINIC}/staff/desk/book/?day={clinic['tomorrow']}&provider={clinic['dag']}")
    page.locator("input[name=at]").fill(f"{hour}:05")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For whom?")
    if scripts:
        is_accessible(page)
    page.locator("input[name=q]").fill("Ane")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name=re.compile("Ane")).click()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("Booked. Ane Prøve is notified.")
    page.locator("a.entry", has_text="Ane Prøve").last.click()
    page.get_by_role("link", name="Move", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Move Ane Prøve")
    if scripts:
        is_accessible(page)
    page.locator("input[name=at]").fill(f"{hour}:35")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("Moved. Ane Prøve is notified.")
    if scripts:
        is_accessible(page)
