"""A page made to be looked at says the same and does nothing."""

import pytest

from services.home.still_page import still


@pytest.mark.parametrize(
    ("page", "looked_at"),
    [
        ('<p>Dr Østby &amp; co &#x27;s <b class="x">times</b></p>', None),
        ('<svg viewBox="0 0 24 24"><path d="M0 0"/></svg>', None),
        ('<a class="time" href="/bakken/book/7/">09:00</a>', '<a class="time">09:00</a>'),
        (
            '<form method="post"><input name="reason" value="&quot;x&quot;"></form>',
            '<input name="reason" value="&quot;x&quot;" disabled>',
        ),
        ('<button type="submit">Book</button>', '<button type="submit" disabled>Book</button>'),
        ('<div data-times="/x" data-version="1" id="times">', '<div id="times">'),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ("<h2 tabindex=-1 autofocus>x</h2>", '<h2 tabindex="-1">x</h2>'),
    ],
)
def test_nothing_is_left_to_press(page, looked_at):
    assert still(page) == (page if looked_at is None else looked_at)


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("/staff/times/?from=2026-03-02", "/staff/times/?from=2026-03-02&amp;by=code"),
        ("/staff/times/", "/staff/times/?by=code"),
        ("?page=2", "?page=2&amp;by=code"),
        ("/staff/times/7/", None),
        ("/staff/times", None),
        ("//elsewhere.example/staff/times/", None),
        ("#offer", None),
    ],
)
def test_only_links_to_the_page_itself_lead_on(link, kept):
    html = still(f'<a href="{link}" hx-get="{link}">x</a>', leads_on="/staff/times/", carries="by=code")
    assert html == (f'<a href="{kept}">x</a>' if kept else "<a>x</a>")
