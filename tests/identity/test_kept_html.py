"""A page's form filled in again: what the browser sent, and nothing else on the page."""

from hypothesis import given
from hypothesis import strategies as st

from identity.session.kept_html import Fields, fill

HEAD = "<!doctype html>\n<html>\n<p>Å &amp; æ &lt;b&gt; \u2028 x</p>\n"


TAGS = 10


def filled(form: str, fields: Fields, *, action: str = "/a/") -> tuple[str, Fields]:
    page = f'{HEAD}<form method="get"><input name="q" value="old"></form>{form}<p>end</p>'
    result = fill(page, page="/a/", action=action, fields=fields)
    return result.html.removeprefix(HEAD), result.rest


def test_fields_of_every_kind_are_filled_in() -> None:
    html, rest = filled(
        '<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="new">'
        '<input name="name" value="before" required><input type="hidden" name="seen" value="9">'
        '<textarea name="text" rows="3">\nbefore</textarea>'
        '<input type="checkbox" name="tick" value="1" checked><input type="checkbox" name="tick" value="2">'
        '<input type="radio" name="way" value="a" checked><input type="radio" name="way" value="b">'
        '<select name="who"><option value="" selected>-</option><option value="7">Seven</option></select>'
        '<input type="password" name="secret"><input type="file" name="file"><button name="do" value="x">Go</button></form>',
        [
            ("name", 'new "name" <b>'),
            ("seen", "8"),
            ("text", "one\n</textarea><script>"),
            ("tick", "2"),
            ("way", "b"),
            ("who", "7"),
            ("secret", "no"),
        ],
    )
    assert '<input name="name" required value="new &quot;name&quot; &lt;b&gt;">' in html
    assert '<input type="hidden" name="csrfmiddlewaretoken" value="new">' in html
    assert '<input type="hidden" name="seen" value="8">' in html
    assert '<textarea name="text" rows="3">\none\n&lt;/textarea&gt;&lt;script&gt;</textarea>' in html
    assert (
        '<input type="checkbox" name="tick" value="1"><input type="checkbox" name="tick" value="2" checked="">'
        in html
    )
    assert 'value="a"><input type="radio" name="way" value="b" checked="">' in html
    assert '<option value="">-</option><option value="7" selected="">Seven</option>' in html
    assert '<input type="password" name="secret"><input type="file" name="file">' in html
    assert '<input name="q" value="old">' in html
    assert html.startswith('<form method="get">')
    assert '<form method="post" data-kept>' in html
    assert rest == [("secret", "no")]


def test_the_form_with_the_right_address_is_chosen_also_by_a_buttons_own() -> None:
    two = (
        '<form method="post" action="/b/"><input name="x"></form>'
        '<form method="post" action="?y=1"><input name="x"><button formaction="/effect/">See</button></form>'
    )
    for action in ("/a/", "/effect/"):
        html, rest = filled(two, [("x", "typed")], action=action)
        assert '<form method="post" action="/b/"><input name="x"></form>' in html
        assert '<input name="x" value="typed"><button' in html
        assert not rest


def test_of_several_forms_to_one_address_the_one_with_the_same_fields_is_chosen() -> None:
    html, _rest = filled(
        '<form method="post"><input name="a"></form><form method="post"><input name="b"><input name="c"></form>',
        [("b", "1"), ("c", "2")],
    )
    assert '<form method="post"><input name="a"></form>' in html
    assert '<input name="b" value="1"><input name="c" value="2">' in html


def test_fields_of_one_name_are_filled_in_their_order() -> None:
    html, rest = filled(
        '<form method="post"><input name="n"><input name="n" disabled><input name="n"></form>',
        [("n", "1"), ("n", "2"), ("n", "3")],
    )
    assert '<input name="n" value="1"><input name="n" disabled><input name="n" value="2">' in html
    assert rest == [("n", "3")]


def test_without_the_form_the_page_stays_and_the_text_is_handed_back() -> None:
    html, rest = filled('<form method="post" action="/b/"><input name="x"></form>', [("x", "typed")])
    assert "typed" not in html
    assert rest == [("x", "typed")]


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_was_typed_stays_text(line: str, text: str) -> None:
    form = '<form method="post"><input name="line"><textarea name="text"></textarea></form>'
    html, _rest = filled(form, [("line", line), ("text", text)])
    assert html.count("<") == TAGS
    assert html.endswith("</textarea></form><p>end</p>")
