"""`{% url %}` gives what Django's gives, the second time as well."""

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse, set_script_prefix

BOTH = range(2)


def shown(template, **words):
    return Template(template).render(Context(words))


def test_an_address_is_the_same_each_time():
    number = uuid4()
    for _time in BOTH:
        said = shown('{% url "booking:appointment" clinic number %}', clinic="bakken", number=number)
        assert said == reverse("booking:appointment", args=["bakken", number])
    assert shown('{% url "booking:find" clinic %}', clinic="engen") == "/engen/book/"


def test_it_can_be_kept_under_a_name():
    for _time in BOTH:
        assert shown('{% url "booking:find" "bakken" as there %}[{{ there }}]') == "[/bakken/book/]"


def test_a_name_that_is_not_there_is_an_error_unless_it_is_kept_under_a_name():
    for _time in BOTH:
        assert shown('{% url "nowhere" as there %}[{{ there }}]') == "[]"
        with pytest.raises(NoReverseMatch):
            shown('{% url "nowhere" %}')


def test_it_is_escaped_and_named_arguments_work():
    assert shown('{% url "booking:book" clinic="bakken" slot=7 %}') == "/bakken/book/7/"
    assert shown('{% url "clinic_front" clinic %}', clinic="a-b") == "/a-b/"


def test_it_knows_where_the_portal_stands():
    assert shown('{% url "booking:find" "bakken" %}') == "/bakken/book/"
    set_script_prefix("/portal/")
    try:
        assert shown('{% url "booking:find" "bakken" %}') == "/portal/bakken/book/"
    finally:
        set_script_prefix("/")
