"""The change log: words, filters, pages, who changed something last."""

import ast
import re
from datetime import date, time, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.template import Context, Template
from django.urls import reverse
from django.utils import translation

from clinic_admin import operations as clinic_operations
from clinic_admin.choices import ProviderKind, Role, Service
from clinic_admin.policy import ClinicSettings, OpenPeriod
from clinic_admin.queries import settings_of
from delegation import operations as delegation
from portal.models import AuditEvent
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import AS_STANDARD, Rights, SpecialRights
from services.reports import queries, words
from services.reports.choices import ChangeKind
from services.reports.queries import PER_PAGE, ChangeFilter, Cursor
from services.reports.words import CHANGES, NOT_CHANGES, Names
from tests.build import make_clinic, make_patient, make_provider, make_staff_member, make_user
from tests.delegation.build_delegation import sign_in
from tests.services.booking.build_booking import NOW
from tests.services.reports.build_reports import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", initials="MK")


@pytest.fixture
def lent(clinic):
    return make_provider(clinic, name="Vikar Lent", initials="VL", has_patient_list=False)


@pytest.fixture
def admin(client, clinic):
    client.post_at_clinic = sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def english():
    with translation.override("en"):
        yield


def log(clinic, **asked):
    return queries.changes(clinic, ChangeFilter(**asked), staff=queries.staff_of(clinic))


def told(clinic):
    """Return the newest change: its sentence, and its lines as plain text."""
    change = log(clinic).changes[0]
    return change.sentence, [" | ".join(line) for line in change.lines]


def page_of(clinic):
    return reverse("reports_admin:changes", args=[clinic.portal_identifier])


# -- every action ------------------------------------------------------------------------------------------
_ACTION = re.compile(r"[a-z][a-z_-]*\.[a-z][a-z_-]*")
_NO_ACTIONS = re.compile(
    r".*\.(html|txt|csv|py|json|css|js|ics)|(booking|notifications|identity|demo_sms)\..*"
)
"""Templates and names of tasks."""


def recorded_actions():
    """Return everything that looks like an action in the modules that write the trail."""
    areas = ["portal", "clinic_admin", "notifications", "identity", "patients", "delegation", "services"]
    found = {}
    for area in areas:
        for path in (settings.ROOT / area).rglob("*.py"):
            text = path.read_text()
            if "audit.record" not in text or "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    word = node.value
                    if _ACTION.fullmatch(word) and not _NO_ACTIONS.fullmatch(word):
                        found.setdefault(word, path.relative_to(settings.ROOT))
    return found


def test_every_action_that_is_recorded_has_a_sentence_or_a_reason_to_have_none():
    found = recorded_actions()
    assert {"rights.changed", "closure.removed", "appointment.viewed", "auth.start"} <= found.keys()
    unknown = {word: str(path) for word, path in found.items() if word not in {*CHANGES, *NOT_CHANGES}}
    assert not unknown, f"give these a sentence in services/reports/words/: {unknown}"


def test_no_sentence_is_kept_for_an_action_that_nothing_records():
    assert {*CHANGES, *NOT_CHANGES} <= recorded_actions().keys()
    assert not CHANGES.keys() & NOT_CHANGES.keys()


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("details", [{}, {"before": None, "after": None, "on": None, "off": None}])
def test_an_event_that_lacks_details_is_told_all_the_same(action, details):
    user = make_user()
    event = AuditEvent(at=NOW, action=action, subject_id=str(user.pk), details=details)
    assert words.tell(event, Names("NO", {}, {}, {}, {})).sentence


def test_every_setting_has_the_words_of_its_page():
    for name in ClinicSettings.__dataclass_fields__:
        assert words.setting_label(name) != name


# -- words, of what the operations really record -----------------------------------------------------------
def test_rights_are_told_right_by_right(clinic, koman, english):
    rights = {"clinic": clinic, "provider_id": koman.pk, "column": Column.WITH_GP, "actor": None, "now": NOW}
    access.set_provider_rights(rights=Rights(booking=True, approval=Approval.AUTOMATIC), **rights)
    assert told(clinic) == (
        "Services of Magnard Koman, Patients with a GP here",
        ["Booking | off | on", "Approval of bookings | Must be approved | Approved automatically"],
    )


def test_portal_access_is_told(clinic, koman, english):
    access.set_portal_access(provider=koman, allowed=False, actor=None, now=NOW)
    assert told(clinic) == (
        "Magnard Koman can no longer be reached through the portal",
        ["Portal access | on | off"],
    )


def test_special_rights_are_told_with_a_link_to_the_patient_whose_name_is_not_in_the_event(
    clinic, koman, admin, english
):
    patient = make_patient(clinic, gp=koman)
    user = admin.post_at_clinic.user
    access.set_special_rights(patient=patient, special=SpecialRights(booking=False), actor=user, now=NOW)
    assert told(clinic) == ("Special rights of a patient", ["Booking | as standard | off"])
    stored = AuditEvent.objects.get()
    assert "Danser" not in f"{stored.details} {stored.subject_id}"
    page = admin.get(page_of(clinic))
    assert str(patient.pk) in page.text
    assert "Line Danser</a>" in page.text
    assert f"{patient.pk}" in page.text
    access.set_special_rights(patient=patient, special=AS_STANDARD, actor=user, now=NOW + timedelta(hours=1))
    assert told(clinic)[0] == "Special rights of a patient taken away: as standard again"


def test_the_matrix_is_told_box_by_box(clinic, koman, lent, english):
    values = {"clinic": clinic, "service": Service.BOOKING, "provider": lent, "actor": None}
    delegation.tick(row=koman, now=NOW, **values)
    assert told(clinic) == (
        "Service matrix: 1 box changed",
        ["Booking: Magnard Koman's list with Vikar Lent | no tick | tick"],
    )
    delegation.tick(row=None, now=NOW + timedelta(hours=1), **values)
    assert told(clinic)[1] == ["Booking: all other active patients with Vikar Lent | no tick | tick"]


def test_absences_are_told_with_days_and_cover(clinic, koman, lent, english):
    days = {"first_day": date(2026, 7, 1), "last_day": date(2026, 7, 14)}
    covers = dict.fromkeys(Service, lent)
    absence = delegation.add_absence(
        clinic=clinic, provider=koman, covers=covers, actor=None, now=NOW, **days
    )
    assert told(clinic) == (
        "Magnard Koman is away 1 July 2026 to 14 July 2026",
        ["Covered by |  | Vikar Lent"],
    )
    later = NOW + timedelta(hours=1)
    delegation.remove_absence(clinic=clinic, absence_id=absence.pk, actor=None, now=later)
    assert told(clinic) == (
        "Absence removed: Magnard Koman, 1 July 2026 to 14 July 2026",
        ["Covered by | Vikar Lent | "],
    )


def test_settings_are_told_by_the_words_of_their_page(clinic, english):
    from dataclasses import replace

    from clinic_admin.policy import settings_token

    stored = settings_of(clinic)
    wanted = replace(
        stored, urgent_release_at=time(15, 30), phone="+4721560000", reminds_everyone=True, city=""
    )
    clinic_operations.change_settings(
        clinic=clinic, settings=wanted, seen=settings_token(stored), actor=None, now=NOW
    )
    sentence, lines = told(clinic)
    assert sentence == "Settings of the clinic"
    assert "Urgent times open the day before at | 16:00 | 15:30" in lines
    assert "Phone | 22 33 44 55 | 21 56 00 00" in lines
    assert "Remind every portal patient by SMS | no | yes" in lines
    assert not any("{" in line or "[" in line for line in lines)


def test_opening_hours_are_told_day_by_day(clinic, english):
    from clinic_admin.policy import hours_token

    periods = [OpenPeriod("0", time(8), time(11, 30)), OpenPeriod("0", time(12), time(15))]
    clinic_operations.set_opening_hours(
        clinic=clinic, periods=periods, seen=hours_token([]), actor=None, now=NOW
    )
    assert told(clinic) == ("Opening hours", ["Monday | closed | 08:00–11:30, 12:00–15:00"])


def test_a_portal_switched_off_and_closed_days_are_told(clinic, english):
    clinic_operations.switch_portal(clinic=clinic, is_active=False, actor=None, now=NOW)
    assert told(clinic) == ("The clinic's portal was switched off", ["The portal | on | off"])
    make_event(clinic, "closure.added", at=NOW + timedelta(1), first_day="2026-12-24", last_day="2026-12-24")
    assert told(clinic)[0] == "The clinic is closed 24 December 2026"


def test_calendars_are_told_without_notation(clinic, koman, english):
    before = {
        "name": "Week",
        "valid_from": "2026-01-05",
        "valid_until": None,
        "blocks": ["0 08:00-09:00 20 portal"],
    }
    after = before | {"valid_until": "2026-12-31", "blocks": ["0 08:00-09:00 20 urgent"]}
    make_event(clinic, "calendar-template.saved", provider=koman.pk, before=before, after=after)
    assert told(clinic) == (
        "Weekly calendar “Week” of Magnard Koman",
        [
            "Last day | until further notice | 31 December 2026",
            "Monday 08:00–09:00, 20 minutes, bookable online | there | removed",
            "Monday 08:00–09:00, 20 minutes, urgent |  | added",
        ],
    )
    late = NOW + timedelta(hours=1)
    make_event(clinic, "calendar-template.deleted", at=late, provider=koman.pk, before=after, after=None)
    assert told(clinic)[0] == "Weekly calendar “Week” of Magnard Koman deleted"


def test_new_providers_are_told(clinic, english):
    clinic_operations.add_provider(
        clinic=clinic, name="Tora Test", initials="TT", kind=ProviderKind.INTERN, actor=None, now=NOW
    )
    sentence, lines = told(clinic)
    assert sentence == "New provider: Tora Test"
    assert "Kind |  | Intern" in lines


def test_covers_that_differ_are_told_service_by_service(clinic, koman, lent, english):
    days = {"first_day": date(2026, 7, 1), "last_day": date(2026, 7, 1)}
    covers = {Service.BOOKING: lent}
    delegation.add_absence(clinic=clinic, provider=koman, covers=covers, actor=None, now=NOW, **days)
    sentence, lines = told(clinic)
    assert sentence == "Magnard Koman is away 1 July 2026"
    assert lines[:2] == ["Booking covered by |  | Vikar Lent", "Urgent booking covered by |  | nobody"]


def test_who_gets_messages_is_told_by_name(clinic, english):
    siv = make_staff_member(clinic, name="Siv Sekretær")
    after = {"topics": ["consultation", "renewal"], "recipient": siv.pk}
    make_event(clinic, "message_delegation.changed", before={"topics": [], "recipient": None}, after=after)
    assert told(clinic) == (
        "Who gets new messages from patients",
        ["Messages | none | e-Consultations, Prescription renewals", "To | nobody | Siv Sekretær"],
    )


def test_texts_and_the_identifier_are_told(clinic, koman, english):
    make_event(clinic, "text.changed", kind="signature", language="", provider=koman.pk, is_factory=False)
    assert told(clinic) == ("Text written anew: Signature, Magnard Koman", [])
    make_event(clinic, "text.changed", at=NOW + timedelta(1), kind="about", language="nb", is_factory=True)
    assert told(clinic) == ("Back to the text it came with: About the clinic, Norwegian", [])
    make_event(clinic, "clinic.identifier_changed", at=NOW + timedelta(2), before="old", after="new")
    assert told(clinic) == ("The portal identifier was changed", ["Portal identifier | old | new"])


def test_a_portal_taken_from_a_patient_is_told(clinic, english):
    patient = make_patient(clinic)
    make_event(clinic, "patient.portal_withdrawn", patient=patient, subject=patient)
    assert told(clinic)[0] == "The portal was taken away from a patient"
    assert log(clinic).changes[0].patient_name == "Line Danser"


def test_staff_who_come_change_and_go_are_told(clinic, koman, english):
    siv = make_staff_member(clinic, name="Siv Sekretær")
    roles = {"before": ["assistant"], "after": ["assistant", "clinic-administrator"]}
    make_event(clinic, "staff_member.roles_changed", subject=siv, **roles)
    assert told(clinic) == ("Roles of Siv Sekretær", ["Roles | Assistant | Assistant, Clinic administrator"])
    gone = {"successor": koman.pk, "patients": 312, "ticks": 4}
    make_event(clinic, "staff_member.left", at=NOW + timedelta(1), subject=siv, **gone)
    assert told(clinic) == (
        "Siv Sekretær no longer works here",
        ["Patients of the list |  | 312", "They are now on the list of |  | Magnard Koman"],
    )
    make_event(clinic, "leaving.decided", at=NOW + timedelta(2), staff_member=siv.pk, last_day="2026-12-31")
    assert told(clinic) == ("Siv Sekretær will leave", ["Last day |  | 31 December 2026"])
    user = str(siv.user_id)
    make_event(clinic, "second_factor_reset.requested", at=NOW + timedelta(3), user=user)
    assert told(clinic)[0] == "Someone asked to reset the second step of Siv Sekretær"


def test_ways_of_signing_in_are_told_by_their_names(english):
    names = Names("NO", {}, {}, {}, sign_ins={"no-x": "BankID", "code-x": "One-time code"})
    changed = {"before": ["no-x"], "after": ["no-x", "code-x"]}
    event = AuditEvent(at=NOW, action="sign_in.changed", details=changed)
    told = words.tell(event, names)
    assert told.sentence == "How patients may sign in"
    assert told.lines == (("Ways of signing in", "BankID", "BankID, One-time code"),)


# -- who ---------------------------------------------------------------------------------------------------
def test_people_stand_with_their_name_at_this_clinic_also_when_they_have_left(clinic, english):
    left = make_staff_member(clinic, name="Anna Berg", is_active=False)
    patient_user = make_user(kind="patient")
    for place, actor in enumerate([left.user, None, patient_user, make_user(name="From elsewhere")]):
        make_event(clinic, "clinic.switched", at=NOW + timedelta(minutes=place), actor=actor, after=True)
    assert [change.who for change in log(clinic).changes] == [
        "Someone outside the clinic",
        "The patient",
        "The portal or its vendor",
        "Anna Berg",
    ]


# -- which -------------------------------------------------------------------------------------------------
def test_another_clinics_changes_never_appear(clinic, admin, english):
    other = make_clinic()
    stranger = make_staff_member(other)
    patient = make_patient(other)
    make_event(other, "clinic.switched", after=True)
    make_event(None, "staff.password-set", subject=stranger.user)
    make_event(clinic, "patient.contact_changed", patient=patient, subject=patient, fields=["email"])
    changes = log(clinic).changes
    assert [change.sentence for change in changes] == ["A patient's contact details"]
    assert (changes[0].patient_id, changes[0].patient_name) == (None, "")


def test_changes_of_logins_of_the_clinics_staff_stand_among_the_others_in_order(clinic, english):
    member = make_staff_member(clinic, name="Siv Sekretær")
    make_event(clinic, "clinic.switched", at=NOW, after=True)
    make_event(None, "staff.second-factor-reset", at=NOW + timedelta(1), subject=member.user)
    make_event(clinic, "clinic.switched", at=NOW + timedelta(2), after=False)
    sentences = [change.sentence for change in log(clinic).changes]
    assert "Code app and passkeys of Siv Sekretær were taken away" in sentences[1]
    assert [change.sentence for change in log(clinic, kind=ChangeKind.STAFF).changes] == [sentences[1]]


def test_daily_work_is_no_change(clinic):
    for action in NOT_CHANGES:
        make_event(clinic, action)
    assert not log(clinic).changes


def test_the_log_is_narrowed_by_kind_person_and_days_of_the_clinic(clinic, english):
    anna = make_staff_member(clinic, name="Anna Berg").user
    make_event(clinic, "clinic.switched", at=NOW, actor=anna, after=True)
    make_event(clinic, "absence.added", at=NOW, after={})
    late = NOW.replace(hour=23, minute=30)  # half past midnight on the 24th at the clinic
    make_event(clinic, "matrix.saved", at=late, on=[], off=[])

    def kinds(**asked):
        return {change.kind for change in log(clinic, **asked).changes}

    assert kinds(kind=ChangeKind.ABSENCES) == {ChangeKind.ABSENCES}
    assert kinds(person=anna.pk) == {ChangeKind.SETTINGS}
    assert kinds(by_portal=True) == {ChangeKind.ABSENCES, ChangeKind.MATRIX}
    assert kinds(until=date(2026, 11, 23)) == {ChangeKind.ABSENCES, ChangeKind.SETTINGS}
    assert kinds(since=date(2026, 11, 24)) == {ChangeKind.MATRIX}


def test_every_kind_can_be_chosen_on_the_page(admin, clinic):
    make_event(clinic, "absence.added", after={"first_day": "2026-07-01", "last_day": "2026-07-01"})
    for kind in ChangeKind:
        page = admin.get(page_of(clinic), {"kind": kind.value})
        assert page.status_code == 200
        assert ("is away 1 July 2026" in page.text) == (kind is ChangeKind.ABSENCES)
    assert admin.get(page_of(clinic), {"person": str(admin.post_at_clinic.user_id)}).status_code == 200
    assert "is away" in admin.get(page_of(clinic), {"person": "portal"}).text


def test_the_last_day_of_all_is_no_failure(admin, clinic):
    page = admin.get(page_of(clinic), {"until": "9999-12-31"})
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["until"])


def test_a_filter_that_can_not_be_is_said_by_its_field(admin, clinic):
    page = admin.get(page_of(clinic), {"since": "2026-02-02", "until": "2026-01-01"})
    assert page.status_code == 422
    assert "be before the first day" in page.text
    for wrong in ({"since": "yesterday"}, {"kind": "x"}, {"person": "x"}):
        assert admin.get(page_of(clinic), wrong).status_code == 422


# -- pages -------------------------------------------------------------------------------------------------
def test_pages_follow_one_another_without_gap_or_double_also_within_one_instant(admin, clinic):
    total = 2 * PER_PAGE + 7
    member = make_staff_member(clinic)
    for number in range(total):
        if number % 3:
            make_event(clinic, "clinic.switched", at=NOW + timedelta(seconds=number // 40), after=True)
        else:
            make_event(None, "staff.added", at=NOW + timedelta(seconds=number // 40), subject=member.user)
    staff, after, seen = queries.staff_of(clinic), None, []
    while True:
        page = queries.changes(clinic, ChangeFilter(), staff=staff, after=after)
        seen += [(change.at, change.sentence) for change in page.changes]
        if page.following is None:
            break
        after = Cursor.parse(str(page.following))
    assert len(seen) == total
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=True)
    first = admin.get(page_of(clinic))
    assert "Older changes" in first.text
    address = re.search(r'rel="next" href="([^"]+)"', first.text)[1]
    assert "To the newest" in admin.get(page_of(clinic) + address).text


@pytest.mark.parametrize("after", ["", "x", "2026-01-01_5", "2026-01-01T00:00:00+00:00_x", "_", "_5", "١_٢"])
def test_a_broken_place_in_the_log_is_its_beginning(admin, clinic, after):
    make_event(clinic, "clinic.switched", after=True)
    assert "switched on" in admin.get(page_of(clinic), {"after": after}).text


def test_the_page_takes_as_many_queries_for_many_as_for_one(admin, clinic, django_assert_max_num_queries):
    for number in range(60):
        patient = make_patient(clinic, gp=make_provider(clinic))
        make_event(
            clinic, "special_rights.changed", at=NOW + timedelta(number), patient=patient, subject=patient
        )
    admin.get(page_of(clinic))
    with django_assert_max_num_queries(11):
        assert admin.get(page_of(clinic)).status_code == 200


def test_all_staff_read_the_log_and_strangers_do_not(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    assert client.get(page_of(clinic)).status_code == 200
    assert client.post(page_of(clinic)).status_code == 403
    assert client.get(page_of(make_clinic())).status_code == 404


def test_an_empty_log_says_what_will_stand_there(admin, clinic):
    assert "Whoever changes a setting" in admin.get(page_of(clinic)).text
    assert "No such changes" in admin.get(page_of(clinic), {"kind": "matrix"}).text


# -- who was last ------------------------------------------------------------------------------------------
def test_the_last_change_of_a_kind_or_of_one_thing_is_known(clinic, koman, lent, english):
    anna = make_staff_member(clinic, name="Anna Berg").user
    assert queries.last_change(clinic, kind=ChangeKind.SERVICES) is None
    make_event(clinic, "rights.changed", at=NOW, actor=anna, subject=koman)
    make_event(clinic, "rights.changed", at=NOW + timedelta(1), subject=lent)
    make_event(clinic, "clinic.switched", at=NOW + timedelta(2))
    assert queries.last_change(clinic, kind=ChangeKind.SERVICES).at == NOW + timedelta(1)
    of_koman = queries.last_change(clinic, kind=ChangeKind.SERVICES, subject=koman)
    assert (of_koman.who, of_koman.at) == ("Anna Berg", NOW)
    assert queries.last_change(make_clinic()) is None


def test_a_page_says_who_changed_it_last_with_a_way_to_the_log(clinic, english):
    template = Template('{% load change_log %}{% last_changed "settings" %}')
    assert template.render(Context({"clinic": clinic})).strip() == ""
    anna = make_staff_member(clinic, name="Anna Berg").user
    make_event(clinic, "clinic.switched", actor=anna, after=True)
    shown = template.render(Context({"clinic": clinic}))
    assert "Last changed by Anna Berg on 23 November 2026 at" in shown
    assert f'href="{page_of(clinic)}?kind=settings"' in shown


# -- how rows are found ------------------------------------------------------------------------------------
def test_the_log_is_read_along_its_index_however_much_else_was_recorded(clinic):
    make_staff_member(clinic)
    other = make_clinic()
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=NOW - timedelta(minutes=number),
                clinic_id=clinic.pk if number % 10 == 0 else other.pk,
                actor_kind="system",
                action="clinic.switched" if number % 4 == 0 else "appointment.booked",
                subject_type="clinic_admin.clinic",
                subject_id=str(clinic.pk),
            )
            for number in range(50_000)
        ),
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portal_auditevent")
    after = Cursor(NOW - timedelta(days=10), 10**9)
    for place in (None, after):
        for events in queries.places(clinic, ChangeFilter(), [make_user().pk], place):
            read_by = events.explain()
            assert "Index Scan using audit_by" in read_by, read_by
            assert "Seq Scan" not in read_by
