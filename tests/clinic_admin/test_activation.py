"""Where a clinic's portal is: the vendor's day password, former identifiers, old links, several clinics."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from clinic_admin import day_password, identifier_operations, operations
from clinic_admin.choices import ClinicRefusal, Country, Role
from clinic_admin.models import Clinic, FormerIdentifier, StaffMember
from clinic_admin.operations import ClinicChangeRefused
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic(portal_identifier="karrestad")


def today(clinic):
    return day_password.of_day(timezone.localdate(timezone=clinic.zone))


def page_of(clinic, name="identifier"):
    return reverse(f"clinic_admin:{name}", args=[clinic.portal_identifier])


def change(clinic, identifier, password=None, now=None):
    identifier_operations.change_identifier(
        clinic=clinic,
        identifier=identifier,
        password=today(clinic) if password is None else password,
        actor=audit.SYSTEM,
        now=now or timezone.now(),
    )


def refusal_of(*args, **kwargs):
    with pytest.raises(ClinicChangeRefused) as refused:
        change(*args, **kwargs)
    return refused.value.reason


# -- the password ------------------------------------------------------------------------------------------
def test_the_password_is_another_every_day_and_with_every_secret(settings):
    days = {day_password.of_day(date(2026, 11, day)) for day in range(1, 31)}
    assert len(days) == 30
    settings.VENDOR_SECRET = "another"
    assert day_password.of_day(date(2026, 11, 1)) not in days


def test_it_may_be_typed_in_small_letters_and_without_hyphens():
    day = date(2026, 11, 22)
    assert day_password.matches(f" {day_password.of_day(day).lower().replace('-', ' ')} ", day)
    assert not day_password.matches(day_password.of_day(day), day + timedelta(days=1))
    assert not day_password.matches("", day)
    assert not day_password.matches("ÆØÅ", day)


def test_without_the_secret_nothing_matches_and_the_command_says_so(settings):
    settings.VENDOR_SECRET = ""
    assert not day_password.matches("", date(2026, 11, 22))
    with pytest.raises(CommandError, match="VENDOR_SECRET"):
        call_command("day_password")


def test_the_command_tells_the_password_of_a_day():
    out = StringIO()
    call_command("day_password", "--date", "2026-12-24", stdout=out)
    assert out.getvalue().strip() == day_password.of_day(date(2026, 12, 24))
    with pytest.raises(CommandError, match="2026-12-24"):
        call_command("day_password", "--date", "tomorrow")


def test_it_holds_for_the_clinics_local_day(clinic):
    """22:30 UTC is already the next day in Oslo in summer."""
    now = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert refusal_of(clinic, "ny", day_password.of_day(date(2026, 7, 1)), now) == (
        ClinicRefusal.DAY_PASSWORD_WRONG
    )
    change(clinic, "ny", day_password.of_day(date(2026, 7, 2)), now)
    assert Clinic.objects.get().portal_identifier == "ny"


# -- changing ----------------------------------------------------------------------------------------------
def test_changing_is_recorded_without_the_password(client, clinic):
    admin = sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    password = today(clinic)
    typed = {"identifier": "karrestad-ny", "password": password}
    response = client.post(page_of(clinic), typed)
    assert response.status_code == 302
    assert response.url == "/karrestad-ny/admin/clinic/"
    event = AuditEvent.objects.get(action="clinic.identifier_changed")
    assert event.actor_id == admin.user_id
    assert event.details == {"before": "karrestad", "after": "karrestad-ny"}
    assert not AuditEvent.objects.filter(details__icontains=password).exists()


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"identifier": "ny", "password": "AAAA-BBBB-CCCC"}, "password"),
        ({"identifier": "ny"}, "password"),
        ({"password": "x"}, "identifier"),
        ({"identifier": "Ny klinikk", "password": "x"}, "identifier"),
        ({"identifier": "admin", "password": "x"}, "identifier"),
        ({"identifier": "karrestad", "password": "x"}, "identifier"),
        ({"identifier": "a" * 61, "password": "x"}, "identifier"),
    ],
)
def test_what_is_wrong_stands_by_its_field_and_nothing_changes(client, clinic, typed, wrong):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    response = client.post(page_of(clinic), typed)
    assert response.status_code == 422
    assert f"id_{wrong}_error" in response.content.decode()
    assert Clinic.objects.get().portal_identifier == "karrestad"


def test_the_sixth_try_within_an_hour_is_refused_even_with_the_right_password(client, clinic):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    for _ in range(5):
        assert client.post(page_of(clinic), {"identifier": "ny", "password": "x"}).status_code == 422
    sixth = client.post(page_of(clinic), {"identifier": "ny", "password": today(clinic)})
    assert sixth.status_code == 429
    assert "id_password_error" in sixth.content.decode()
    assert AuditEvent.objects.filter(action="clinic.identifier_refused").count() == 6
    other = make_clinic()
    change(other, "et-annet")
    assert other.portal_identifier == "et-annet"


def test_others_can_look_but_a_forged_post_changes_nothing(client, clinic):
    sign_in_staff(client, clinic)
    assert (
        'type="submit"'
        not in client.get(page_of(clinic)).content.decode().split("<main")[1].split("</main")[0]
    )
    typed = {"identifier": "ny", "password": today(clinic)}
    assert client.post(page_of(clinic), typed).status_code == 403
    assert Clinic.objects.get().portal_identifier == "karrestad"


def test_nobody_else_can_take_what_a_clinic_has_or_had(clinic):
    change(clinic, "karrestad-ny")
    other = make_clinic()
    assert refusal_of(other, "karrestad-ny") is ClinicRefusal.IDENTIFIER_TAKEN
    assert refusal_of(other, "karrestad") is ClinicRefusal.IDENTIFIER_HAD
    with pytest.raises(ClinicChangeRefused) as refused:
        operations.create_clinic(
            name="X",
            portal_identifier="karrestad",
            country=Country.NORWAY,
            actor=audit.SYSTEM,
            now=timezone.now(),
        )
    assert refused.value.reason is ClinicRefusal.IDENTIFIER_HAD
    assert not Clinic.objects.filter(portal_identifier="karrestad").exists()


def test_a_clinic_can_take_its_old_identifier_back(client, clinic):
    change(clinic, "ny")
    change(clinic, "karrestad")
    assert list(FormerIdentifier.objects.values_list("identifier", flat=True)) == ["ny"]
    assert client.get("/ny/").url == "/karrestad/"
    assert client.get("/karrestad/").status_code == 200


# -- old links ---------------------------------------------------------------------------------------------
def test_old_links_lead_to_the_same_page(client, clinic):
    change(clinic, "ny")
    for old, new in (
        ("/karrestad/", "/ny/"),
        ("/Karrestad/book/?from=2026-11-22", "/ny/book/?from=2026-11-22"),
        ("/karrestad/admin/clinic/", "/ny/admin/clinic/"),
    ):
        response = client.get(old)
        assert (response.status_code, response.url) == (301, new)
        assert response["Cache-Control"] == "no-store"


def test_what_is_posted_to_an_old_address_is_refused_not_repeated(client, clinic):
    change(clinic, "ny")
    assert client.post("/karrestad/sign-out/").status_code == 404


@pytest.mark.parametrize(
    ("query", "goes_to"),
    [
        ("ClinicId=karrestad", "/karrestad/"),
        ("clinicid=KARRESTAD", "/karrestad/"),
        ("ClinicId=karrestad&Service=Tidsbestilling", "/karrestad/book/"),
        ("ClinicId=karrestad&Service=timebestilling", "/karrestad/book/"),
        ("ClinicId=karrestad&Service=eKonsultasjon", "/karrestad/e-consultation/"),
        ("ClinicId=karrestad&Service=Receptfornyelse", "/karrestad/renewal/"),
        ("ClinicId=karrestad&Service=//evil.example", "/karrestad/"),
    ],
)
def test_links_on_the_clinics_own_site_lead_on(client, clinic, query, goes_to):
    assert client.get(f"/Login.aspx?{query}").url == goes_to


def test_they_do_so_with_a_former_identifier_too(client, clinic):
    change(clinic, "ny")
    assert client.get("/Login.aspx?ClinicId=karrestad&Service=booking").url == "/ny/book/"
    assert client.get("/Login.aspx?ClinicId=nobody").status_code == 404
    assert client.get("/Login.aspx").status_code == 404


def test_a_deep_link_waits_for_the_sign_in(client, clinic):
    front = client.get("/karrestad/book/?from=2026-11-22")
    assert front.url == "/karrestad/?next=%2Fkarrestad%2Fbook%2F%3Ffrom%3D2026-11-22"
    assert client.post("/karrestad/book/1/").url == "/karrestad/"


# -- several clinics ---------------------------------------------------------------------------------------
def test_an_administrator_of_two_clinics_goes_to_the_same_page_at_the_other(client, clinic):
    admin = sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    other = make_clinic(name="Den andre")
    StaffMember.objects.create(clinic=other, user=admin.user, name="x", roles=[Role.CLINIC_ADMINISTRATOR])
    page = client.get(page_of(clinic, "clinic")).content.decode()
    assert f'<a href="{page_of(other, "clinic")}">Den andre</a>' in page
    text = reverse("clinic_admin:guidance", args=["karrestad", "urgent", "da"])
    there = reverse("clinic_admin:guidance", args=[other.portal_identifier, "urgent", "da"])
    assert f'href="{there}"' in client.get(text).content.decode()
    assert client.get(there).status_code == 200


def test_who_works_at_one_clinic_sees_no_switcher(client, clinic):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    other = make_clinic(name="Den andre")
    assert other.name not in client.get(page_of(clinic, "clinic")).content.decode()
