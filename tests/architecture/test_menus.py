"""The menus of staff mark where one is, on every page."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from portal.audience import Audience, audience_of
from tests.architecture.build_everything import everyone, make_place
from tests.architecture.test_house_rules import every_pattern
from tests.architecture.test_no_500 import address_of, ask, forms_of

pytestmark = pytest.mark.django_db
SIDE = re.compile(r'<nav class="side".*?</nav>', re.DOTALL)
MAIN = re.compile(r'<nav class="ways".*?</nav>', re.DOTALL)
MARKED = re.compile(
    r'<a href="[^"]*" aria-current="(?:page|true)">(?:(?!<span>).)*<span>([^<]*)</span>', re.DOTALL
)


def marked(answer, menu=SIDE):
    """Return the entries that the menu marks; None where the page has no such menu."""
    if not answer.get("Content-Type", "").startswith("text/html"):
        return None
    found = menu.search(answer.content.decode())
    return MARKED.findall(found[0]) if found else None


def test_every_page_of_staff_marks_one_entry_of_each_menu_it_has():
    """Also the pages that answer a form: each form of each page is sent as it stands."""
    place = make_place()
    browser, wrong, seen = everyone(place)["administrator"], [], {SIDE: set(), MAIN: set()}

    def look(answer, *what):
        for menu in (SIDE, MAIN):
            entries = marked(answer, menu)
            if entries is not None:
                seen[menu].add(what[-1])
                if len(entries) != 1:
                    wrong.append((*what, answer.status_code, entries))

    for address, pattern in every_pattern():
        if audience_of(pattern.callback) not in {Audience.ADMINISTRATOR, Audience.STAFF}:
            continue
        good = address_of(address, place.named)
        page = ask(browser, "get", good, {})
        look(page, "get", good)
        for action, values in forms_of(page, good):
            look(ask(browser, "post", action, values), "post", action)
    assert not wrong
    assert len(seen[SIDE]) >= 30
    assert len(seen[MAIN]) >= 40


def test_the_page_that_asks_before_days_are_closed_is_below_the_settings_of_the_clinic():
    place = make_place()
    browser = everyone(place)["administrator"]
    day = (place.clinic.closures.get().first_day + timedelta(days=4)).isoformat()  # something is booked on it
    sent = {"first_day": day, "last_day": day}
    browser.cookies["django_language"] = "en"
    answer = browser.post(reverse("booking_admin:check_closure", args=[place.clinic.portal_identifier]), sent)
    assert "Close the clinic all the same?" in answer.content.decode()
    assert marked(answer) == ["Advanced settings"]


@pytest.mark.parametrize(
    ("page", "effect", "entry"),
    [
        ("delegation_admin:matrix", "booking_admin:effect_of_matrix", "Service matrix"),
        ("access_admin:provider", "booking_admin:effect_of_provider", "Services"),
    ],
)
def test_the_page_of_an_effect_is_below_what_it_is_the_effect_of(page, effect, entry):
    place = make_place()
    browser = everyone(place)["administrator"]
    browser.cookies["django_language"] = "en"
    below = ["booking"] if page == "delegation_admin:matrix" else [place.gp.pk]
    address = reverse(page, args=[place.clinic.portal_identifier, *below])
    values = next(fields for action, fields in forms_of(browser.get(address), address) if "save" in action)
    answer = browser.post(reverse(effect, args=[place.clinic.portal_identifier, *below]), values)
    assert answer.status_code == 200
    assert marked(answer) == [entry]
