"""Form rows: labels, hints and errors hang together, with and without scripts."""

import re

import pytest
from django import forms

from portal.look.gallery import ExampleForm

NASTY = "<b>'\"&"


def row(field: str, data=None) -> str:
    return str(ExampleForm(data)[field].as_field_group())


def test_a_label_points_at_its_field():
    html = row("name")
    assert 'for="id_name"' in html
    assert 'id="id_name"' in html


def test_a_hint_and_an_error_are_read_with_the_field():
    html = row("national_id", {})
    described = re.search(r'<input[^>]*aria-describedby="([^"]*)"', html).group(1).split()
    assert described == ["id_national_id_helptext", "id_national_id_error"]
    assert all(f'id="{one}"' in html for one in described)
    assert 'aria-invalid="true"' in html


def test_a_field_without_errors_is_not_called_invalid():
    assert "aria-invalid" not in row("name")
    assert "data-invalid" not in row("name")


def test_only_what_may_be_left_out_is_marked():
    assert "(optional)" in row("email")
    assert "(optional)" not in row("name")


@pytest.mark.parametrize("field", ["reason", "reminders"])
def test_choices_stand_in_a_fieldset_with_a_legend(field):
    html = row(field, {"reminders": ["wrong"]})
    assert "<legend>" in html
    assert f'aria-describedby="id_{field}_error"' in html
    labels = set(re.findall(r'<label class="choice" for="([^"]*)"', html))
    assert labels == set(re.findall(r'<input[^>]*id="([^"]*)"', html))


def test_a_tick_box_has_its_words_beside_it_and_its_error_with_it():
    html = row("consent", {})
    assert re.search(r'<label class="choice" for="id_consent"><input type="checkbox"', html)
    assert 'id="id_consent_error"' in html


def test_a_long_text_counts_and_is_never_cut_by_the_browser():
    html = row("text")
    assert 'data-limit="200"' in html
    assert "At most 200 characters" in html
    assert "maxlength" not in html


def test_what_was_typed_comes_back_escaped():
    html = row("name", {"name": NASTY})
    assert NASTY not in html
    assert "&lt;b&gt;&#x27;&quot;&amp;" in html


def test_a_long_text_comes_back_whole():
    assert "A" * 230 in row("text", {"text": "A" * 230})


def test_labels_hints_and_messages_are_escaped():
    class Nasty(forms.Form):
        field = forms.CharField(label=NASTY, help_text=NASTY, error_messages={"required": NASTY})
        choice = forms.ChoiceField(label=NASTY, choices=[("a", NASTY)], widget=forms.RadioSelect)
        pick = forms.ChoiceField(choices=[(NASTY, [("b", NASTY)])])

    assert "<b>" not in str(Nasty({}))


def test_a_whole_form_begins_with_everything_that_is_wrong():
    html = str(ExampleForm({}))
    assert html.index("data-error-summary") < html.index("<label")
    targets = re.findall(r'<a href="#([^"]*)"', html)
    assert targets
    assert all(f'id="{target}"' in html for target in targets)


def test_an_error_of_the_whole_form_is_in_the_summary_without_a_link():
    form = ExampleForm({})
    form.is_valid()
    form.add_error(None, "The time was taken")
    assert "<li>The time was taken</li>" in str(form)


def test_a_new_form_has_no_summary():
    assert "data-error-summary" not in str(ExampleForm())


def test_hidden_fields_have_no_look():
    class Hidden(forms.Form):
        secret = forms.CharField(widget=forms.HiddenInput)

    assert "class=" not in str(Hidden())
