"""`{% url %}` gives what Django's gives, the second time as well."""

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse, set_script_prefix

from clinic_admin.models import Clinic
from portal.templatetags import addresses

BOTH = range(2)


def shown(template, **words):
    return Template(template).render(Context(words))


def test_an_address_is_the_same_each_time():
    number = uuid4()
    for _time in BOTH:
        said = shown('{% url "booking:appointment" clinic number %}', clinic="bakken", number=number)
        assert said == reverse("booking:appointment", args=["bakken", number])
    assert shown('{% url "booking:find" clinic %}', clinic="engen") == "/engen/book/"


def test_the_clinic_s_pages_are_worked_out_once_and_what_holds_an_id_or_a_secret_is_kept_nowhere():
    clinic = Clinic(portal_identifier="bakken")
    addresses._address.cache_clear()
    for _time in BOTH:
        assert shown('{% url "booking:find" clinic.portal_identifier %}', clinic=clinic) == "/bakken/book/"
    assert (addresses._address.cache_info().hits, addresses._address.cache_info().currsize) == (1, 1)
    shown('{% url "booking:appointment" clinic.portal_identifier number %}', clinic=clinic, number=uuid4())
    shown('{% url "booking:find" "engen" %}', clinic=clinic)
    assert addresses._address.cache_info().currsize == 1


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
    page = '{% url "booking:find" clinic.portal_identifier %}'
    assert shown(page, clinic=Clinic(portal_identifier="bakken")) == "/bakken/book/"
    set_script_prefix("/portal/")
    try:
        assert shown(page, clinic=Clinic(portal_identifier="bakken")) == "/portal/bakken/book/"
    finally:
        set_script_prefix("/")
