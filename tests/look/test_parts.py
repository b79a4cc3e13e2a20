"""Parts of pages: each one renders, escapes what it is given, and says what it must to screen readers."""

from datetime import date, time
from pathlib import Path

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

from portal.look import icons
from portal.look.day import Column, DayCalendar, Entry, Kind
from portal.look.times import TimeChoice, TimeDay, TimeState

NASTY = "<b>'\"&"
TODAY = date(2026, 11, 23)

ONE_VALUE = [
    "{% icon 'check' title=x %}",
    "{% alert 'danger' title=x %}{{ x }}{% endalert %}",
    "{% card x id=x %}{{ x }}{% endcard %}",
    "{% tile '/a' x x tag=x %}",
    "{% tile '' x x %}",
    "{% nav_item '/a' x count=2 %}",
    "{% tabs x %}{% tab x x %}{% endtabs %}",
    "{% table x %}<tr></tr>{% endtable %}",
    "{% dialog 'one' x %}{{ x }}{% enddialog %}",
    "{% dialog_link 'one' '/a' x %}",
    "{% empty x x url=x action=x %}",
    "{% tag x 'info' %}",
    "{% count 3 x %}",
    "{% avatar x photo=x %}",
    "{% avatar x %}",
    "{% button x name=x value=x %}",
    "{% link_button x x %}",
    "{% steps x 1 %}",
    "{% progress 1 2 x %}",
    "{% save_bar %}{{ x }}{% endsave_bar %}",
    "{% facts %}{% fact x %}{{ x }}{% endfact %}{% endfacts %}",
    "{% asset x %}",
]


def draw(source: str, **words) -> str:
    return Template("{% load look %}" + source).render(Context(words))


@pytest.mark.parametrize("source", ONE_VALUE)
def test_a_part_renders_and_escapes(source):
    html = draw(source, x=NASTY)
    assert html.strip()
    assert "<b>'" not in html
    assert "'\"" not in html


def test_every_part_is_tried():
    tags = Path("portal/templatetags/look.py").read_text().count("@register.") - 2  # two filters
    own_tests = {"error_summary", "pages", "date_leaf", "time_list", "day_calendar"}
    tried = {source.split()[1] for source in ONE_VALUE} | {"fact", "tab"} | own_tests
    assert len(tried) == tags


def test_an_icon_is_silent_unless_it_has_a_title():
    assert 'aria-hidden="true"' in draw("{% icon 'check' %}")
    assert "<title>Done</title>" in draw("{% icon 'check' title='Done' %}")


def test_an_icon_that_is_not_on_the_list_is_refused():
    with pytest.raises(icons.UnknownIconError):
        draw("{% icon 'nonsense' %}")


@pytest.mark.parametrize("name", sorted(icons.names()))
def test_every_icon_on_the_list_was_built(name):
    assert icons.drawing(name).startswith("<path")


@pytest.mark.parametrize(
    ("path", "current"), [("/x/", ' aria-current="page"'), ("/x/y/", ' aria-current="true"'), ("/z/", "")]
)
def test_a_menu_marks_where_one_is(path, current):
    request = RequestFactory().get(path)
    assert f'<a href="/x/"{current}>' in draw("{% nav_item '/x/' 'X' %}", request=request)


def test_an_entry_without_an_address_is_left_out():
    assert draw("{% nav_item missing 'X' %}").strip() == ""


def test_a_shut_way_says_why_and_leads_nowhere():
    html = draw("{% tile '/a' 'Write' 'Phone us' shut=True %}")
    assert "Phone us" in html
    assert "href" not in html


def test_initials_are_the_first_and_the_last_name():
    assert ">AB<" in draw("{% avatar 'anna maria berg' %}")
    assert ">Ø<" in draw("{% avatar 'Øystein' %}")
    assert draw("{% avatar '' %}")


def test_pages_keep_the_rest_of_the_address():
    request = RequestFactory().get("/?q=berg&page=2")
    html = draw("{% pages page %}", page=Paginator(range(100), 10).page(2), request=request)
    assert "?q=berg&amp;page=3" in html
    assert 'aria-current="page"' in html


def test_one_page_needs_no_way_between_pages():
    assert draw("{% pages page %}", page=Paginator(range(3), 10).page(1)).strip() == ""


def test_the_step_one_is_on_is_marked_and_the_done_ones_are_said():
    html = draw("{% steps 'A|B|C' 2 %}")
    assert html.count('aria-current="step"') == 1
    assert html.count("(done)") == 1


def test_progress_never_shows_more_than_all_and_survives_none():
    assert 'value="2" max="2"' in draw("{% progress 5 2 'Read' %}")
    assert 'max="1"' in draw("{% progress 0 0 'Read' %}")


def test_a_leaf_is_not_read_twice():
    assert 'aria-hidden="true"' in draw("{% date_leaf day %}", day=TODAY)


def times(*choices: TimeChoice) -> str:
    return draw("{% time_list days %}", days=[TimeDay(TODAY, choices)])


def test_a_free_time_posts_itself_and_is_read_in_full():
    html = times(TimeChoice("10:20", "Monday 10:20 with Anna Berg", value="7"))
    assert 'name="time" value="7"' in html
    assert "Monday 10:20 with Anna Berg" in html


def test_a_taken_time_cannot_be_pressed():
    assert "disabled" in times(TimeChoice("10:20", "taken", value="7", state=TimeState.TAKEN))


def test_a_time_with_an_address_is_a_link():
    assert '<a class="time" data-state="urgent" href="/t">' in times(
        TimeChoice("10:20", "x", url="/t", state=TimeState.URGENT)
    )


def test_days_without_times_are_folded_into_one_line():
    days = [TimeDay(TODAY.replace(day=n)) for n in (23, 24, 25)]
    html = draw("{% time_list days %}", days=days)
    assert html.count("No free times") == 1
    assert "23" in html
    assert "25" in html


@pytest.mark.parametrize(
    ("starts", "ends", "at", "steps"),
    [
        (time(8), time(8, 20), 96, 4),
        (time(0), time(0, 5), 0, 1),
        (time(23, 50), time(0), 286, 2),
        (time(8), time(8), 96, 1),
    ],
)
def test_an_entry_stands_where_the_style_sheet_has_a_place(starts, ends, at, steps):
    entry = Entry(starts, ends, Kind.BOOKED, "x")
    assert (entry.at, entry.steps) == (at, steps)
    css = Path("static/vendor/venterom.css").read_text()
    assert f".at-{at}{{" in css
    assert f".for-{steps}{{" in css


def test_more_lanes_than_there_are_places_share_the_last():
    assert Entry(time(8), time(9), Kind.FREE, "x", lane=6, lanes=7).lane_class == "lane-4-of-4"


def test_the_line_of_the_clock_only_stands_within_the_hours_shown():
    assert DayCalendar([], 8, 15, now=time(7, 59)).now_step is None
    assert DayCalendar([], 8, 15, now=time(15, 59)).now_step == 191


def test_a_day_calendar_escapes_and_says_each_kind_without_colour():
    entries = [Entry(time(8), time(9), kind, NASTY, text=NASTY, url="/e", badge=NASTY) for kind in Kind]
    html = draw("{% day_calendar c 'Day' %}", c=DayCalendar([Column(NASTY, NASTY, entries)]))
    assert "<b>'" not in html
    assert html.count('<svg class="icon"') == len(Kind)
