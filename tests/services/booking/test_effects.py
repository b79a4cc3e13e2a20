"""What a save would do, told before it is saved, and asked once more when someone is left with nobody."""

import re
import time
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role, Service
from clinic_admin.models import Closure
from delegation.models import Absence, MatrixTick
from delegation.policy import Tick
from portal.models import AuditEvent
from services.access import preview
from services.access.choices import Column
from services.access.models import ProviderRights
from services.access.policy import SpecialRights
from services.booking.choices import AppointmentStatus
from services.booking.effects import queries as effect_queries
from services.booking.models import Appointment
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.delegation.build_delegation import sign_in
from tests.services.access.build_access import EVERYONE, away, give, tick
from tests.services.access.test_reach import make_large_clinic

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
def admin(client, clinic):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


def today(clinic):
    return timezone.now().astimezone(clinic.zone).date()


def page_of(clinic, name, *args):
    return reverse(f"booking_admin:{name}", args=[clinic.portal_identifier, *args])


def appointment(patient, provider, days, kind="portal"):
    starts_at = timezone.now() + timedelta(days=days)
    return Appointment.objects.create(
        clinic=patient.clinic,
        patient=patient,
        provider=provider,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=15),
        kind=kind,
        status=AppointmentStatus.BOOKED,
        form_key=patient.pk,
        requested_at=timezone.now(),
        requested_by=make_user(),
        decided_at=timezone.now(),
    )


@pytest.fixture
def three(clinic, koman):
    give(koman, booking=True)
    tick(koman, koman)
    patients = [make_patient(clinic, gp=koman) for _ in range(3)]
    make_patient(clinic, gp=koman, is_active=False)
    return patients


def sent(*pairs, base="", version=0):
    return {"tick": [f"{row}:{provider}" for row, provider in pairs], "version": version, "base": base}


# -- the matrix --------------------------------------------------------------------------------------------
def test_before_a_save_the_page_tells_who_gains_and_loses_and_stores_nothing(
    admin, clinic, koman, lent, three
):
    appointment(three[0], koman, 3)
    appointment(three[1], lent, 4)
    page = admin.post(page_of(clinic, "effect_of_matrix", "booking"), sent((koman.pk, lent.pk)))
    effect = page.context["effect"]
    changes = [(one.provider, one.gain, one.lose) for one in effect.changes]
    assert changes == [(koman, 0, 3), (lent, 3, 0)]
    assert (effect.gain, effect.lose, effect.left) == (3, 3, 0)
    assert page.context["unusual"] == 1
    assert "1 coming appointment" in page.text
    assert MatrixTick.objects.get().provider == koman


def test_with_htmx_the_bar_alone_comes_back(admin, clinic, koman, three):
    page = admin.post(page_of(clinic, "effect_of_matrix", "booking"), sent(), headers={"HX-Request": "true"})
    assert "<html" not in page.text
    assert "3 patients lose" in page.text
    assert "list: 3 patients have nobody left for Booking" in page.text


def test_a_save_that_leaves_nobody_without_somebody_goes_straight_on(admin, clinic, koman, lent, three):
    answer = admin.post(
        page_of(clinic, "check_matrix", "booking"),
        sent((koman.pk, koman.pk), (koman.pk, lent.pk)),
        follow=True,
    )
    assert answer.redirect_chain[0][1] == 307
    assert set(MatrixTick.objects.values_list("provider", flat=True)) == {koman.pk, lent.pk}
    assert "The service matrix is saved." in answer.text


def test_a_save_that_leaves_a_list_with_nobody_asks_once_more_and_loses_nothing(
    admin, clinic, koman, lent, three
):
    asked = admin.post(page_of(clinic, "check_matrix", "booking"), sent(("others", lent.pk)))
    assert asked.status_code == 200
    assert "Save all the same?" in asked.text
    assert "3 patients would be left with nobody" in asked.text
    assert MatrixTick.objects.get().provider == koman, "nothing is saved yet"
    carried = {}
    for name, value in asked.context["carried"]:
        carried.setdefault(name, []).append(value)
    back = admin.post(asked.context["save"].address, carried | {"fill": "none"})
    assert back.context["changed"] == 2
    assert admin.post(asked.context["save"].address, carried).status_code == 302
    assert MatrixTick.objects.get().provider == lent


def test_an_old_page_goes_on_to_where_the_conflict_is_shown(admin, clinic, koman, three):
    answer = admin.post(page_of(clinic, "check_matrix", "booking"), sent(version=7), follow=True)
    assert answer.status_code == 409


def test_whoever_covers_today_counts(clinic, koman, lent, three):
    day = today(clinic)
    away(koman, day, day, cover=lent)
    trial = preview.of_ticks(
        clinic=clinic,
        service=Service.BOOKING,
        on=frozenset(),
        off=frozenset({Tick(Service.BOOKING, koman.pk, koman.pk)}),
        day=day,
    )
    assert [(one.provider, one.lose) for one in preview.effect(trial).changes] == [(lent, 3)]


def test_the_check_is_for_administrators_and_the_clinics_own_providers(client, clinic, koman):
    sign_in(client, clinic, Role.ASSISTANT)
    for name in ("effect_of_matrix", "check_matrix"):
        assert client.post(page_of(clinic, name, "booking")).status_code == 403
    sign_in(client, clinic)
    assert client.post(page_of(clinic, "effect_of_matrix", "surgery")).status_code == 404
    stranger = make_provider(make_clinic())
    assert client.post(page_of(clinic, "effect_of_provider", stranger.pk)).status_code == 404


# -- a provider's services ---------------------------------------------------------------------------------
ALL_OFF = {"with-gp-approval": "by-hand", "without-gp-approval": "by-hand", "allowed": "on"}


def test_taking_a_right_away_asks_once_more_with_what_was_typed(admin, clinic, koman, three):
    appointment(three[0], koman, 3)
    asked = admin.post(page_of(clinic, "check_provider", koman.pk), ALL_OFF)
    assert "Save all the same?" in asked.text
    assert asked.context["unusual"] == 1
    assert ProviderRights.objects.get().booking
    carried = dict(asked.context["carried"])
    back = admin.post(asked.context["save"].address, carried | {"back": "none"})
    assert not back.context["columns"][0][1]["booking"].value()
    assert admin.post(asked.context["save"].address, carried).status_code == 302
    assert not ProviderRights.objects.get(column=Column.WITH_GP).booking


def test_opening_a_service_is_saved_at_once(admin, clinic, koman, three):
    opened = ALL_OFF | {"with-gp-booking": "on", "with-gp-renewal": "on"}
    assert (
        "No patient gains or loses"
        in admin.post(page_of(clinic, "effect_of_provider", koman.pk), opened).text
    ), "renewal is not ticked in the matrix yet"
    answer = admin.post(page_of(clinic, "check_provider", koman.pk), opened, follow=True)
    assert answer.redirect_chain[0][1] == 307
    assert ProviderRights.objects.get(column=Column.WITH_GP).renewal


def test_a_form_with_a_mistake_goes_on_to_the_page_that_tells_it(admin, clinic, koman):
    answer = admin.post(
        page_of(clinic, "check_provider", koman.pk), ALL_OFF | {"with-gp-approval": "never"}, follow=True
    )
    assert answer.status_code == 422


# -- one patient -------------------------------------------------------------------------------------------
def test_special_rights_of_one_patient_are_told_too(clinic, koman, three):
    effect = preview.effect_on_patient(
        patient=three[0], special=SpecialRights(booking=False), day=today(clinic)
    )
    assert [(one.service, one.provider, one.lose) for one in effect.changes] == [(Service.BOOKING, koman, 1)]
    assert effect.asks_once_more
    same = preview.effect_on_patient(patient=three[0], special=SpecialRights(booking=True), day=today(clinic))
    assert not same.changes


# -- absences ----------------------------------------------------------------------------------------------
def absence(provider, first, last, **covers):
    return {
        "provider": provider.pk,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        **{name.replace("_", "-"): value for name, value in covers.items()},
    }


def test_an_absence_without_cover_asks_once_more_with_the_days(admin, clinic, koman, three):
    first = today(clinic) + timedelta(days=2)
    asked = admin.post(page_of(clinic, "check_absence"), absence(koman, first, first + timedelta(days=3)))
    assert "Save all the same?" in asked.text
    (ending,) = asked.context["effect"].endings
    assert (ending.owner, ending.patients, ending.first_day, ending.last_day) == (
        koman,
        3,
        first,
        first + timedelta(days=3),
    )
    assert not Absence.objects.exists()
    assert admin.post(asked.context["save"].address, dict(asked.context["carried"])).status_code == 302
    assert Absence.objects.count() == 1


def test_a_covered_absence_goes_straight_on(admin, clinic, koman, lent, three):
    first = today(clinic)
    answer = admin.post(
        page_of(clinic, "check_absence"), absence(koman, first, first, cover=lent.pk), follow=True
    )
    assert answer.redirect_chain[0][1] == 307
    assert Absence.objects.get().covers.count() == 4
    assert "Appointments while Magnard Koman is away" in answer.text


def test_a_cover_without_the_right_for_patients_without_a_gp_is_warned_of(admin, clinic, koman, lent):
    give(koman, Column.WITHOUT_GP, booking=True)
    tick(koman, EVERYONE)
    make_patient(clinic, gp=None)
    first = today(clinic)
    asked = admin.post(page_of(clinic, "check_absence"), absence(koman, first, first, cover=lent.pk))
    assert "All other active patients: 1 has nobody left for Booking" in asked.text


# -- closed days -------------------------------------------------------------------------------------------
def closing(clinic, first, last, **other):
    day = today(clinic)
    first_day, last_day = day + timedelta(days=first), day + timedelta(days=last)
    return {
        "first_day": f"{first_day:%d.%m.%Y}",
        "last_day": f"{last_day:%d.%m.%Y}",
        "reason": "Course",
        **other,
    }


def test_closing_days_without_appointments_goes_straight_on(admin, clinic, koman):
    appointment(make_patient(clinic, gp=koman), koman, 9)
    answer = admin.post(page_of(clinic, "check_closure"), closing(clinic, 3, 4), follow=True)
    assert answer.redirect_chain[0][1] == 307
    assert Closure.objects.get().reason == "Course"


def test_appointments_on_days_to_be_closed_are_shown_first_and_stay(admin, clinic, koman):
    inside = [appointment(make_patient(clinic, gp=koman), koman, days) for days in (3, 4)]
    outside = appointment(make_patient(clinic, gp=koman), koman, 7)
    elsewhere = make_clinic()
    stranger = make_provider(elsewhere)
    appointment(make_patient(elsewhere, gp=stranger), stranger, 3)
    asked = admin.post(page_of(clinic, "check_closure"), closing(clinic, 2, 5))
    assert "2 appointments are on these days" in asked.text
    assert [one.pk for one in asked.context["booked"].first] == [one.pk for one in inside]
    for one in inside:
        assert re.search(rf'appointments/{one.pk}/">.*?{one.patient.full_name}', asked.text, re.DOTALL)
    listed = AuditEvent.objects.filter(action="patient.listed", details={"page": "change"})
    assert set(listed.values_list("patient_id", flat=True)) == {one.patient_id for one in inside}
    assert str(outside.pk) not in asked.text
    assert not Closure.objects.exists()
    back = admin.post(asked.context["address"], {**dict(asked.context["carried"]), "back": "none"})
    assert 'value="Course"' in back.text
    assert not Closure.objects.exists()
    assert admin.post(asked.context["address"], dict(asked.context["carried"])).status_code == 302
    assert Closure.objects.count() == 1
    assert Appointment.objects.for_clinic(clinic).live().count() == 3


@pytest.mark.parametrize("wrong", [{"first_day": "soon"}, {"last_day": ""}])
def test_days_that_can_not_be_read_are_told_at_the_field(admin, clinic, koman, wrong):
    answer = admin.post(page_of(clinic, "check_closure"), closing(clinic, 2, 5, **wrong), follow=True)
    assert answer.status_code == 422
    assert 'value="Course"' in answer.text


def test_days_in_the_wrong_order_are_told_at_the_field(admin, clinic, koman):
    appointment(make_patient(clinic, gp=koman), koman, 3)
    answer = admin.post(page_of(clinic, "check_closure"), closing(clinic, 5, 2), follow=True)
    assert answer.status_code == 422
    assert not Closure.objects.exists()


# -- at the size of a large clinic -------------------------------------------------------------------------
def book_many(providers, number):
    rows = list(providers[0].clinic.patients.filter(gp__isnull=False)[:number])
    user, now = make_user(), timezone.now()
    start = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), tzinfo=now.tzinfo)
    Appointment.objects.bulk_create(
        Appointment(
            clinic=patient.clinic,
            patient=patient,
            provider_id=patient.gp_id,
            starts_at=start + timedelta(minutes=20 * place),
            ends_at=start + timedelta(minutes=20 * place + 15),
            kind="portal",
            status=AppointmentStatus.BOOKED,
            form_key=patient.pk,
            requested_at=now,
            requested_by=user,
            decided_at=now,
        )
        for place, patient in enumerate(rows)
    )
    return len(rows)


def test_a_large_clinic_is_previewed_in_time(django_assert_max_num_queries):
    clinic, providers = make_large_clinic()
    day = today(clinic)
    booked = book_many(providers, 3000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE booking_appointment")
    for number in range(5):
        away(providers[number + 20], day + timedelta(days=number), day + timedelta(days=number + 9))
    off = frozenset(
        Tick(Service.BOOKING, row, providers[1].pk) for row in [None, *(one.pk for one in providers)]
    )

    def of_matrix():
        return preview.of_ticks(
            clinic=clinic,
            service=Service.BOOKING,
            on=frozenset(),
            off=off,
            day=day,
            last_day=day + timedelta(84),
        )

    def of_provider():
        return preview.of_provider(
            clinic=clinic,
            provider_id=providers[7].pk,
            allowed=False,
            columns={},
            day=day,
            last_day=day + timedelta(84),
        )

    for make in (of_matrix, of_provider):
        best, lose, unusual = 9.0, 0, 0
        for _ in range(5):
            with django_assert_max_num_queries(4):
                started = time.perf_counter()
                trial = make()
                lose = preview.effect(trial.on_first_day).lose
                unusual = effect_queries.unusual(trial, now=timezone.now())
                best = min(best, time.perf_counter() - started)
        print(f"{make.__name__}: {best * 1000:.0f} ms, {lose} lose, {unusual} of {booked} unusual")
        assert lose > 0
        assert unusual > 0
        # Alone on a machine it is below 0.3 s (`make bench` measures that); other tests run beside this one.
        assert best < 1.5, f"{best:.3f} s"
