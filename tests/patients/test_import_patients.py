"""Importing patients, from the command to the rows."""

import time
from io import StringIO
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from identity import national_id
from identity.by_code import memberships
from identity.models import ActionLink
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients import operations, queries
from patients.choices import ImportRefusal
from patients.models import Patient
from patients.operations import ImportOutcome, ImportRefused
from portal import audit
from portal.models import AuditEvent
from services.home import code_queries
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.identity.build_codes import give_password, person
from tests.patients.build_patients import TODAY, checked, csv_of, many, number, row_of

HEADER = "fødselsnummer,fornavn,etternavn,mobil,epost,fastlege,aktiv"


def store(clinic, rows):
    return operations.import_patients(clinic=clinic, rows=rows, actor=audit.SYSTEM, now=timezone.now())


@pytest.fixture
def run(tmp_path):
    def run(clinic, content, *options):
        path, out = tmp_path / "patients.csv", StringIO()
        path.write_bytes(content)
        try:
            call_command(
                "import_patients", str(path), "--clinic", clinic.portal_identifier, *options, stdout=out
            )
        except CommandError as error:
            return error.returncode, f"{out.getvalue()}{error}"
        return 0, out.getvalue()

    return run


@pytest.mark.django_db
def test_without_apply_nothing_is_stored(run):
    code, said = run(make_clinic(), csv_of(row_of(1), row_of(2)))
    assert code == 0
    assert "new 2, changed 0, unchanged 0, refused 0" in said
    assert "Nothing is stored yet" in said
    assert not Patient.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_apply_stores_and_the_second_time_all_is_unchanged(run):
    clinic = make_clinic()
    gp = make_provider(clinic, initials="MK")
    content = csv_of(row_of(1, gp="MK"), row_of(2, given="Åse"), header=HEADER, encoding="cp1252")
    code, said = run(clinic, content, "--apply")
    assert (code, "new 2, changed 0, unchanged 0, refused 0" in said) == (0, True)
    line = queries.record_of(
        national_id_index=national_id.index(national_id.parse(number(1), "NO")), clinic=clinic
    )
    assert (line.gp, line.national_id, line.mobile, line.is_active) == (gp, number(1), "+4791234567", True)
    assert Patient.objects.filter(given_name="Åse", gp=None).exists()
    code, said = run(clinic, content, "--apply")
    assert (code, "new 0, changed 0, unchanged 2, refused 0" in said) == (0, True)


@pytest.mark.django_db
def test_one_refused_row_stops_the_whole_import_and_is_named_without_saying_who(run):
    content = csv_of(row_of(1), row_of(2, given="Donald", mobile="22 33 44 55"), row_of(1, given="Minni"))
    for options in ([], ["--apply"]):
        code, said = run(make_clinic(), content, *options)
        assert code == 1
        assert "row 3: This is not a mobile number." in said
        assert "row 4: The same national ID is in an earlier row." in said
        assert not any(word in said for word in ("Donald", "Minni", number(1), number(2)))
    assert not Patient.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"fornavn,etternavn\nA,B\n", "These columns are missing: national_id"),
        (b"\x00\x01", "not a text file"),
    ],
)
def test_an_unusable_file_ends_with_code_2(run, content, sentence):
    code, said = run(make_clinic(), content)
    assert (code, sentence in said) == (2, True)


@pytest.mark.django_db
def test_an_unknown_clinic_or_file_ends_with_code_2(tmp_path):
    for arguments in (["--clinic", "nowhere"], ["--clinic", make_clinic().portal_identifier]):
        with pytest.raises(CommandError) as error:
            call_command("import_patients", str(tmp_path / "missing.csv"), *arguments)
        assert error.value.returncode == 2


@pytest.mark.django_db
def test_changes_reach_the_named_fields_of_this_clinic_only():
    clinic, other = make_clinic(), make_clinic()
    gp = make_provider(clinic, initials="MK")
    content = csv_of(row_of(1, gp="MK"))
    for place in (clinic, other):
        make_patient(
            place,
            national_id=number(1),
            birth_date=TODAY.replace(year=1988, month=4, day=14),
            email="old@x.example",
            mobile="+4791234567",
            language="en",
        )
    bystander = make_patient(clinic, national_id=number(9))
    outcome = store(clinic, checked(content, list_holders={"MK": gp.pk}))
    assert outcome == ImportOutcome(new=0, changed=1, unchanged=0)
    changed = Patient.objects.get(clinic=clinic, email="l@x.example")
    assert (changed.gp, changed.language, changed.national_id) == (gp, "en", number(1))
    assert Patient.objects.get(clinic=other).email == "old@x.example"
    bystander.refresh_from_db()
    assert bystander.is_active


@pytest.mark.django_db
def test_l6_an_import_that_moves_an_address_ends_links_to_the_old_one_and_tells_it():
    clinic = make_clinic()
    patient, other = person(clinic), person(clinic, serial=2)
    links = []
    for one in (patient, other):
        give_password(one)
        holder = code_queries.holder_of(one, clinic)
        memberships.send_link(
            clinic=clinic, holder=holder, patient_id=one.pk, actor=make_user(), now=timezone.now()
        )
        links.append(ActionLink.objects.latest("created_at"))
    row = f"{patient.national_id},Line,Danser,{patient.mobile},moved@x.example,,yes"
    store(clinic, checked(csv_of(row)))
    assert ActionLink.objects.get(pk=links[0].pk).revoked_at is not None
    assert ActionLink.objects.get(pk=links[1].pk).revoked_at is None
    told = OutboxMessage.objects.get(kind=MessageKind.CONTACT_CHANGED)
    assert told.recipient == patient.email
    assert "moved@x.example" not in told.body


def moves(clinic, patient, **options):
    row = f"{patient.national_id},Line,Danser,{patient.mobile},moved@x.example,,yes"
    outcome = operations.import_patients(
        clinic=clinic, rows=checked(csv_of(row)), actor=audit.SYSTEM, now=timezone.now(), **options
    )
    assert OutboxMessage.objects.filter(kind=MessageKind.CONTACT_CHANGED).count() == outcome.told
    return outcome.told


@pytest.mark.django_db
def test_an_import_tells_nobody_who_has_no_login_or_had_no_address():
    clinic = make_clinic()
    assert moves(clinic, person(clinic)) == 0
    without = person(clinic, serial=2)
    give_password(without)
    Patient.objects.filter(pk=without.pk).update(email="")
    assert moves(clinic, without) == 0


@pytest.mark.django_db
def test_a_mass_correction_tells_nobody_and_the_trail_says_so():
    clinic = make_clinic()
    patient = person(clinic)
    give_password(patient)
    assert moves(clinic, patient, tells=False) == 0
    assert AuditEvent.objects.get(action="patients.imported").details["told"] == 0


@pytest.mark.django_db
def test_a_number_given_in_the_portal_survives_an_empty_cell():
    clinic = make_clinic()
    store(clinic, checked(csv_of(row_of(1))))
    outcome = store(clinic, checked(csv_of(row_of(1, mobile="", email=""))))
    assert outcome == ImportOutcome(new=0, changed=0, unchanged=1)
    assert Patient.objects.get().mobile == "+4791234567"


@pytest.mark.django_db
def test_the_trail_tells_the_run_and_each_patient_with_field_names_only():
    clinic = make_clinic()
    store(clinic, checked(csv_of(row_of(1), row_of(2))))
    store(clinic, checked(csv_of(row_of(1, given="Kari"), row_of(2))))
    runs = AuditEvent.objects.filter(action="patients.imported").order_by("pk")
    assert [event.details for event in runs] == [
        {"new": 2, "changed": 0, "unchanged": 0, "told": 0},
        {"new": 0, "changed": 1, "unchanged": 1, "told": 0},
    ]
    changed = Patient.objects.get(given_name="Kari")
    event = AuditEvent.objects.get(action="patient.updated")
    assert (event.patient_id, event.clinic_id, event.details) == (
        changed.pk,
        clinic.pk,
        {"fields": ["given_name"]},
    )
    assert AuditEvent.objects.filter(action="patient.imported").count() == 2


@pytest.mark.django_db
def test_an_import_takes_few_queries_however_many_rows(django_assert_max_num_queries):
    clinic = make_clinic()
    rows = many(900)
    with django_assert_max_num_queries(12):
        store(clinic, rows)
    with django_assert_max_num_queries(12):
        outcome = store(clinic, many(900, given_name="Kari"))
    assert outcome.changed > 800
    with django_assert_max_num_queries(8):
        assert store(clinic, many(900, given_name="Kari")).unchanged == 900


@pytest.mark.django_db
def test_20_000_patients_are_imported_well_under_a_minute():
    clinic = make_clinic()
    holders = {"MK": make_provider(clinic, initials="MK").pk, "SL": make_provider(clinic, initials="SL").pk}
    begin = time.monotonic()
    rows = many(20_000, list_holders=holders)
    outcome = store(clinic, rows)
    seconds = time.monotonic() - begin
    assert outcome == ImportOutcome(new=20_000, changed=0, unchanged=0)
    assert seconds < 60, f"{seconds:.1f} s"


@pytest.mark.django_db(transaction=True)
def test_a_second_import_of_the_same_clinic_is_refused_while_the_first_runs():
    clinic, other = make_clinic(), make_clinic()
    holds, may_end = Event(), Event()

    def first():
        with transaction.atomic():
            store(clinic, checked(csv_of(row_of(1))))
            holds.set()
            may_end.wait(10)
        connection.close()

    thread = Thread(target=first)
    thread.start()
    try:
        assert holds.wait(10)
        with pytest.raises(ImportRefused) as refused:
            store(clinic, checked(csv_of(row_of(2))))
        assert refused.value.reason is ImportRefusal.ANOTHER_RUNS
        assert store(other, checked(csv_of(row_of(1)))).new == 1
    finally:
        may_end.set()
        thread.join()
    assert store(clinic, checked(csv_of(row_of(2)))).new == 1


@pytest.mark.django_db
@pytest.mark.parametrize("country", ["NO", "DK"])
def test_a_made_file_is_imported_without_a_refusal(country, run, tmp_path):
    clinic = make_clinic(country=country)
    make_provider(clinic, initials="MK")
    path = tmp_path / "made.csv"
    arguments = ["--clinic", clinic.portal_identifier, "--count", "300", "--seed", "4"]
    call_command("make_patients", str(path), *arguments, stdout=StringIO())
    code, said = run(clinic, path.read_bytes(), "--apply")
    assert (code, "new 300, changed 0, unchanged 0, refused 0" in said) == (0, True)
    assert 200 < Patient.objects.filter(gp__initials="MK").count() < 300
    with pytest.raises(CommandError, match="exists"):
        call_command("make_patients", str(path), *arguments)
