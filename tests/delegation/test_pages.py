"""The pages of the matrix and of absences."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role, Service
from delegation import operations
from delegation.models import Absence, AbsenceCover, Matrix, MatrixTick
from tests.build import make_clinic, make_provider
from tests.delegation.build_delegation import sign_in
from tests.services.access.build_access import away

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", position=1)


@pytest.fixture
def lent(clinic):
    return make_provider(clinic, name="Konsu Lent", position=2, has_patient_list=False)


@pytest.fixture
def address(clinic, koman, lent):
    return reverse("delegation_admin:matrix", args=[clinic.portal_identifier, "booking"])


@pytest.fixture
def absences(clinic):
    return reverse("delegation_admin:absences", args=[clinic.portal_identifier])


@pytest.fixture
def admin(client, clinic):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


def ticks():
    return set(MatrixTick.objects.values_list("service", "row", "provider"))


def send(client, address, *pairs, version=0, base="", **more):
    return client.post(
        address,
        {"tick": [f"{row}:{provider}" for row, provider in pairs], "version": version, "base": base, **more},
    )


def test_rows_are_lists_and_the_others_columns_are_providers(admin, address, koman, lent):
    page = admin.get(address)
    grid = page.context["grid"]
    assert [column.provider for column in grid.columns] == [koman, lent]
    assert [row.owner for row in grid.rows] == [koman, None]
    assert "All other active patients" in page.text
    assert f'value="others:{lent.pk}"' in page.text


def test_the_menu_leads_to_booking_and_an_unknown_service_is_not_there(admin, clinic, address):
    menu = reverse("delegation_admin:matrix", args=[clinic.portal_identifier])
    assert admin.get(menu).url == address
    assert admin.get(address.replace("booking", "surgery")).status_code == 404


def test_saving_leads_back_to_the_page(admin, address, koman, lent):
    answer = send(admin, address, (koman.pk, koman.pk), ("others", lent.pk))
    assert (answer.status_code, answer.url) == (302, address)
    assert ticks() == {("booking", koman.pk, koman.pk), ("booking", None, lent.pk)}


def test_a_whole_column_is_ticked_on_the_page_and_saved_only_by_save(admin, address, koman, lent):
    page = send(admin, address, (koman.pk, koman.pk), fill=f"column:{lent.pk}:on")
    assert page.status_code == 200
    shown = {cell.key for row in page.context["grid"].rows for cell in row.cells if cell.is_ticked}
    assert shown == {f"{koman.pk}:{koman.pk}", f"{koman.pk}:{lent.pk}", f"others:{lent.pk}"}
    assert ticks() == set()
    assert page.context["changed"] == 3


def test_a_whole_row_is_unticked_on_the_page(admin, address, koman, lent):
    page = send(
        admin, address, (koman.pk, koman.pk), ("others", koman.pk), ("others", lent.pk), fill="row:others:off"
    )
    shown = {cell.key for row in page.context["grid"].rows for cell in row.cells if cell.is_ticked}
    assert shown == {f"{koman.pk}:{koman.pk}"}


def test_someone_elses_save_shows_what_changed_and_keeps_ones_own_ticks(admin, clinic, address, koman, lent):
    page = admin.get(address)
    assert page.context["version"] == 0
    operations.tick(
        clinic=clinic, service=Service.BOOKING, row=koman, provider=koman, actor=None, now=timezone.now()
    )
    answer = send(admin, address, ("others", lent.pk))
    assert answer.status_code == 409
    assert "Magnard Koman's list now gets Magnard Koman." in answer.text
    shown = {cell.key for row in answer.context["grid"].rows for cell in row.cells if cell.is_ticked}
    assert shown == {f"{koman.pk}:{koman.pk}", f"others:{lent.pk}"}
    assert ticks() == {("booking", koman.pk, koman.pk)}, "nothing is saved yet"
    again = send(
        admin,
        address,
        (koman.pk, koman.pk),
        ("others", lent.pk),
        version=answer.context["version"],
        base=answer.context["base"],
    )
    assert again.status_code == 302
    assert len(ticks()) == 2


def test_a_provider_who_left_meanwhile_is_told_and_nothing_is_lost(admin, address, koman, lent):
    lent.is_active = False
    lent.save()
    answer = send(admin, address, (koman.pk, koman.pk), (koman.pk, lent.pk))
    assert answer.status_code == 422
    assert "A provider has left since you opened the page." in answer.text
    assert f'value="{koman.pk}:{koman.pk}" checked' in answer.text
    assert ticks() == set()


@pytest.mark.parametrize("version", ["", "x", "-1"])
def test_a_page_without_a_version_is_not_saved(admin, address, koman, version):
    assert send(admin, address, (koman.pk, koman.pk), version=version).status_code == 422
    assert not Matrix.objects.filter(version__gt=0).exists()


def test_the_page_warns_of_lists_without_portal_access_and_rows_that_nobody_serves(
    admin, address, koman, lent
):
    koman.has_portal_access = False
    koman.save()
    send(admin, address, (koman.pk, koman.pk), ("others", lent.pk))
    page = admin.get(address)
    assert "Magnard Koman has a patient list but no portal access." in page.text
    assert [row.is_unserved for row in page.context["grid"].rows] == [True, False]


def test_an_absence_of_today_stands_on_its_column_and_its_cover_serves_the_row(
    admin, clinic, address, koman, lent
):
    send(admin, address, (koman.pk, koman.pk))
    today = timezone.now().astimezone(clinic.zone).date()
    away(koman, today, today, cover=lent)
    page = admin.get(address)
    assert "Konsu Lent covers" in page.text
    assert [row.is_unserved for row in page.context["grid"].rows] == [False, True]
    AbsenceCover.objects.all().delete()
    assert admin.get(address).context["grid"].rows[0].is_unserved


def test_staff_who_are_no_administrators_look_and_do_not_save(client, clinic, address, koman):
    sign_in(client, clinic, Role.ASSISTANT)
    page = client.get(address)
    assert "save-bar" not in page.text
    assert 'name="fill"' not in page.text
    assert page.text.count('type="checkbox"') == page.text.count(" disabled></label>")


def test_another_clinics_matrix_is_not_there(client, address):
    sign_in(client, make_clinic())
    assert client.get(address).status_code == 404


def test_a_large_matrix_takes_as_many_queries_as_a_small_one(
    admin, clinic, address, koman, django_assert_max_num_queries
):
    for _ in range(12):
        make_provider(clinic)
    with django_assert_max_num_queries(13):
        admin.get(address)


# -- absences ----------------------------------------------------------------------------------------------
def form(provider, first, last, cover=None):
    return {
        "provider": provider.pk,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "cover": cover.pk if cover else "",
    }


def test_an_absence_is_added_shown_and_removed(admin, absences, koman, lent):
    today = timezone.now().date()
    later = today + timedelta(days=9)
    assert admin.post(absences, form(koman, today, later, lent)).status_code == 302
    page = admin.get(absences)
    assert "Magnard Koman" in page.text
    assert page.context["absences"][0].covers == [("", lent.name)]
    remove = f"{absences}{Absence.objects.get().pk}/remove/"
    for _ in range(2):
        assert admin.post(remove).status_code == 302
    assert not Absence.objects.exists()


def test_a_refused_absence_tells_by_the_field_and_keeps_what_was_typed(admin, absences, koman, lent):
    today = timezone.now().date()
    admin.post(absences, form(lent, today, today))
    answer = admin.post(absences, form(koman, today, today, lent))
    assert answer.status_code == 422
    assert answer.context["form"].errors["cover"]
    assert today.isoformat() in answer.text
    answer = admin.post(absences, form(koman, today, today - timedelta(days=1)))
    assert answer.context["form"].errors["last_day"]


def test_a_provider_of_another_clinic_can_not_be_chosen(admin, absences, koman):
    today = timezone.now().date()
    answer = admin.post(absences, form(make_provider(make_clinic()), today, today))
    assert answer.status_code == 422
    assert not Absence.objects.exists()
