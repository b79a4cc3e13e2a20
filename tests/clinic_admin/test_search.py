"""The search over all settings, and undo."""

import re
from dataclasses import replace
from datetime import time
from html import unescape

import pytest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation

from clinic_admin import operations, queries, settings_index
from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from clinic_admin.policy import OpenPeriod
from delegation.forms import AbsenceForm
from portal.models import AuditEvent
from services.access.forms import ColumnForm, PortalAccessForm, QuestionForm
from services.booking.weekly.forms import BlockForm, TemplateForm
from tests.build import make_clinic, make_provider
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import provider_row

pytestmark = pytest.mark.django_db
LANGUAGES = pytest.mark.parametrize("language", ["nb", "da", "en"])
NOT_SETTINGS = {"settings-search", "id_seen"}


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def admin(client, clinic):
    return sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)


def settings_pages(clinic):
    """Every page that the index leads to and that exists."""
    for page in settings_index.PAGES:
        try:
            yield page, reverse(page.url_name, args=[clinic.portal_identifier])
        except NoReverseMatch:
            continue


def labels(html):
    """Return (id of the field, label) of every field on the page."""
    main = html.split("<main")[1].split("</main")[0]
    found = re.findall(r'<label[^>]*for="([^"]+)"[^>]*>(.*?)</label>', main, re.DOTALL)
    for target, words in found:
        text = re.sub(r'<span class="optional">.*?</span>', "", words)
        yield target, unescape(re.sub(r"<[^>]+>", "", text)).strip()


@LANGUAGES
def test_every_field_of_our_own_settings_is_found_and_the_link_leads_to_it(client, clinic, admin, language):
    provider = provider_row()
    provider.save()
    client.cookies["django_language"] = language
    seen = 0
    for page, address in settings_pages(clinic):
        if not page.url_name.startswith(("clinic_admin:", "identity_admin:")):
            continue
        html = client.get(address, follow=True).content.decode()
        for target, label in labels(html):
            if target in NOT_SETTINGS or re.match(r"id_(opens|closes)_|id_providers_", target):
                continue
            with translation.override(language):
                found = settings_index.search(label, clinic.portal_identifier)
            assert f"{address}#{target}" in [one.address for one in found], (label, target)
            seen += 1
    assert seen >= 17


@LANGUAGES
def test_every_link_of_the_index_leads_to_something_on_its_page(client, clinic, admin, language):
    provider_row().save()
    client.cookies["django_language"] = language
    for page, address in settings_pages(clinic):
        response = client.get(address, follow=True)
        assert response.status_code == 200, address
        html = response.content.decode()
        for setting in page.settings:
            assert not setting.anchor or f'id="{setting.anchor}"' in html, setting


@LANGUAGES
def test_every_setting_is_found_by_its_own_name_and_by_each_word_people_use(clinic, language):
    with translation.override(language):
        for page, address in settings_pages(clinic):
            for setting in page.settings:
                for words in (str(setting.label), *str(setting.more).split()):
                    found = settings_index.search(words, clinic.portal_identifier)
                    assert str(setting.label) in [one.label for one in found], words
            assert address in [
                one.address for one in settings_index.search(str(page.title), clinic.portal_identifier)
            ]


@LANGUAGES
@pytest.mark.parametrize(
    "form", [PortalAccessForm, ColumnForm, QuestionForm, AbsenceForm, TemplateForm, BlockForm], ids=str
)
def test_every_field_of_the_other_areas_settings_is_found(form, language):
    with translation.override(language):
        for name, field in form.base_fields.items():
            if field.widget.is_hidden:
                continue
            found = settings_index.search(str(field.label), "any")
            assert str(field.label) in [one.label for one in found], name


def test_the_page_shows_what_it_found_and_works_without_scripts(client, clinic, admin):
    client.cookies["django_language"] = "en"
    where = reverse("clinic_admin:search", args=[clinic.portal_identifier])
    page = client.get(where, {"q": "sms HOURS"}).content.decode()
    assert "#id_reminder_hours_ahead" in page
    assert "#id_street" not in page
    assert "No setting has these words" in client.get(where, {"q": "zzz"}).content.decode()
    everything = client.get(where).content.decode()
    assert "#id_street" in everything
    assert client.get(where, {"q": "x" * 81}).status_code == 422
    assert client.get(where, {"q": "a\0b"}).status_code == 400, "an address with a NUL is none"
    assert "<script>x" not in client.get(where, {"q": "<script>x"}).content.decode()


def test_search_stands_on_every_page_and_is_for_the_clinics_own_staff(client, clinic, admin):
    address = reverse("clinic_admin:search", args=[clinic.portal_identifier])
    somewhere = reverse("clinic_admin:clinic", args=[clinic.portal_identifier])
    assert f'action="{address}"' in client.get(somewhere).content.decode()
    other = reverse("clinic_admin:search", args=[make_clinic().portal_identifier])
    assert client.get(other).status_code == 404


# -- undo --------------------------------------------------------------------------------------------------
def settings_changed(clinic, admin, **values):
    operations.change_settings(
        clinic=clinic,
        settings=replace(queries.stored_settings(clinic), **values),
        seen=None,
        actor=admin.user,
        now=timezone.now(),
    )
    return AuditEvent.objects.latest("pk")


def undo_page(clinic, event):
    return reverse("clinic_admin:undo", args=[clinic.portal_identifier, event.pk])


def test_the_page_says_who_changed_it_last_and_undo_brings_it_back(client, clinic, admin):
    before = queries.stored_settings(clinic)
    event = settings_changed(clinic, admin, longest_question=800, urgent_release_at=time(15, 30))
    page = client.get(reverse("clinic_admin:clinic", args=[clinic.portal_identifier])).content.decode()
    assert admin.name in page.split("<main")[1]
    assert undo_page(clinic, event) in page
    asked = client.get(undo_page(clinic, event)).content.decode()
    assert "800" in asked
    assert "16.00" in asked
    assert queries.stored_settings(clinic).longest_question == 800
    assert client.post(undo_page(clinic, event)).status_code == 302
    assert queries.stored_settings(clinic) == before
    undone = AuditEvent.objects.latest("pk")
    assert (undone.action, undone.actor_id) == ("clinic.changed", admin.user_id)
    assert client.post(undo_page(clinic, undone)).status_code == 302
    assert queries.stored_settings(clinic).longest_question == 800


def test_what_was_changed_since_is_not_undone(client, clinic, admin):
    event = settings_changed(clinic, admin, longest_question=800)
    settings_changed(clinic, admin, longest_question=900)
    assert client.post(undo_page(clinic, event)).status_code == 409
    assert queries.stored_settings(clinic).longest_question == 900


def test_other_settings_changed_since_stay_as_they_are(client, clinic, admin):
    event = settings_changed(clinic, admin, longest_question=800)
    settings_changed(clinic, admin, city="Bergen")
    assert client.post(undo_page(clinic, event)).status_code == 302
    stored = queries.stored_settings(clinic)
    assert (stored.longest_question, stored.city) == (500, "Bergen")


def test_opening_hours_and_the_switch_are_undone_too(client, clinic, admin):
    monday = OpenPeriod("0", time(8), time(15))
    operations.set_opening_hours(clinic=clinic, periods=[monday], actor=admin.user, now=timezone.now())
    hours = AuditEvent.objects.latest("pk")
    assert "08.00–15.00" in client.get(undo_page(clinic, hours)).content.decode()
    client.post(undo_page(clinic, hours))
    assert queries.opening_hours_of(clinic) == []
    client.post(undo_page(clinic, AuditEvent.objects.latest("pk")))
    assert queries.opening_hours_of(clinic) == [monday]
    operations.switch_portal(clinic=clinic, is_active=False, actor=admin.user, now=timezone.now())
    switch = AuditEvent.objects.latest("pk")
    assert client.post(undo_page(clinic, switch)).status_code == 302
    assert client.post(undo_page(clinic, switch)).status_code == 409
    assert Clinic.objects.get().is_active


def test_others_changes_and_others_clinics_are_not_found(client, clinic, admin):
    other = make_clinic()
    event = settings_changed(other, admin, longest_question=800)
    assert client.get(undo_page(clinic, event)).status_code == 404
    assert client.post(undo_page(clinic, event)).status_code == 404
    operations.add_provider(
        clinic=clinic, name="x", initials="x", kind="gp", actor=admin.user, now=timezone.now()
    )
    assert client.post(undo_page(clinic, AuditEvent.objects.latest("pk"))).status_code == 404
    assert queries.stored_settings(other).longest_question == 800


def test_who_may_only_look_sees_no_undo_and_can_do_none(client, clinic):
    member = sign_in_staff(client, clinic)
    event = settings_changed(clinic, member, longest_question=800)
    page = client.get(reverse("clinic_admin:clinic", args=[clinic.portal_identifier])).content.decode()
    assert undo_page(clinic, event) not in page
    assert client.post(undo_page(clinic, event)).status_code == 403
    make_provider(clinic)
    assert queries.stored_settings(clinic).longest_question == 800
