"""Every source keeps the same promises; the national registers by answers in the shape that is published."""

import json
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command

from clinic_admin.choices import Country
from identity import national_id
from patients.guardianship.choices import Basis, Source, Status
from patients.guardianship.file_source import File
from patients.guardianship.folkeregister import Folkeregister
from patients.guardianship.manual import Manual
from patients.guardianship.models import RegisterEntry, RegisterExtract
from patients.guardianship.nsp_cpr import NspCpr
from patients.guardianship.sources import source
from portal.models import AuditEvent
from tests.patients.build_guardians import number_of

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
TODAY = NOW.date()


def people(country):
    return (
        number_of(date(2017, 3, 1), country=country),
        number_of(date(1985, 4, 2), country=country),
        number_of(date(1983, 8, 3), country=country),
    )


CHILD, MOTHER, FATHER = people("DK")
BARN, MOR, FAR = people("NO")


# -- CPR through NSP ---------------------------------------------------------------------------------------
def nsp(rows, **adult):
    """Return the source with recorded answers."""
    records = {
        CHILD.number: {"id": "msg-17", "foraeldremyndighedrelation": rows},
        MOTHER.number: {"koen": "K", "barnrelation": [{"relationCpr": CHILD.number}]} | adult,
        FATHER.number: {"koen": "M", "barnrelation": [{"relationCpr": CHILD.number}]} | adult,
    }
    return NspCpr(records.__getitem__)


def row(kind, **values):
    return {"typeKode": kind, "gyldigFra": "2017-03-01", "gyldigTil": None} | values


@pytest.mark.parametrize(
    ("rows", "adult", "status", "basis"),
    [
        ([row("0003")], MOTHER, Status.VALID, Basis.MOTHER),
        ([row("0004")], FATHER, Status.VALID, Basis.FATHER),
        ([row("0003"), row("0004")], FATHER, Status.VALID, Basis.JOINT),
        ([row("0003")], FATHER, Status.NOT_VALID, None),
        ([row("0005", relationCpr=FATHER.number)], FATHER, Status.VALID, Basis.OTHER),
        ([row("0006", relationCpr=MOTHER.number)], FATHER, Status.NOT_VALID, None),
        ([row("0006")], FATHER, Status.UNKNOWN, None),
        ([row("0004", usikker=True)], FATHER, Status.UNKNOWN, None),
        ([row("0003", usikker=True)], FATHER, Status.UNKNOWN, None),
        ([row("0004", gyldigTil="2026-11-26")], FATHER, Status.UNKNOWN, None),
        ([row("0004", gyldigTil="2026-11-27")], FATHER, Status.VALID, Basis.FATHER),
        ([row("0004", gyldigFra="2026-11-28"), row("0003")], FATHER, Status.NOT_VALID, None),
        ([], FATHER, Status.UNKNOWN, None),
        ([row("0099")], FATHER, Status.ERROR, None),
        ([row("0004", gyldigFra="tomorrow")], FATHER, Status.ERROR, None),
        ([{}], FATHER, Status.ERROR, None),
        ("nonsense", FATHER, Status.ERROR, None),
    ],
)
def test_cpr_answers(rows, adult, status, basis):
    found = nsp(rows).check(CHILD, adult, TODAY, now=NOW)
    assert (found.status, found.basis, found.source) == (status, basis, Source.NSP_CPR)
    assert found.status is not Status.VALID or found.evidence_ref == "msg-17"


def test_a_parent_by_birth_without_the_child_in_the_record_is_none():
    found = nsp([row("0004")], barnrelation=[]).check(CHILD, FATHER, TODAY, now=NOW)
    assert found.status is Status.NOT_VALID


# -- Folkeregisteret ---------------------------------------------------------------------------------------
def ansvar(kind, adult=None, **values):
    who = {"ansvarlig": adult.number} if adult else {}
    return {"ansvar": kind, "erGjeldende": True, "gyldighetstidspunkt": "2017-03-01T00:00:00"} | who | values


@pytest.mark.parametrize(
    ("rows", "status", "basis"),
    [
        ([ansvar("felles", MOR), ansvar("felles", FAR)], Status.VALID, Basis.JOINT),
        ([ansvar("far", FAR)], Status.VALID, Basis.FATHER),
        ([ansvar("mor", MOR)], Status.NOT_VALID, None),
        ([ansvar("andre", FAR)], Status.VALID, Basis.OTHER),
        ([ansvar("andre")], Status.UNKNOWN, None),
        ([ansvar("ukjent")], Status.UNKNOWN, None),
        ([ansvar("ukjent", FAR)], Status.UNKNOWN, None),
        ([], Status.UNKNOWN, None),
        ([ansvar("far", FAR, erGjeldende=False)], Status.UNKNOWN, None),
        ([ansvar("far", FAR, opphoerstidspunkt="2026-11-26T00:00:00")], Status.UNKNOWN, None),
        ([ansvar("noe-nytt", FAR)], Status.ERROR, None),
        (None, Status.ERROR, None),
    ],
)
def test_folkeregister_answers(rows, status, basis):
    documents = {BARN.number: {"hendelsesId": "h-1", "foreldreansvar": rows}}
    found = Folkeregister(documents.__getitem__).check(BARN, FAR, TODAY, now=NOW)
    assert (found.status, found.basis, found.source) == (status, basis, Source.FOLKEREGISTER)


# -- all ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [NspCpr, Folkeregister])
@pytest.mark.parametrize(
    "trouble", [TimeoutError(), ConnectionError(), ValueError("not JSON"), KeyError("none")]
)
def test_no_answer_is_an_error_and_never_a_yes(kind, trouble):
    def fails(number):
        raise trouble

    assert kind(fails).check(CHILD, MOTHER, TODAY, now=NOW).status is Status.ERROR


@pytest.mark.django_db
@pytest.mark.parametrize("name", list(Source))
def test_a_source_that_is_not_connected_knows_nobody(settings, name):
    settings.GUARDIANSHIP_SOURCE = name
    found = source().check(CHILD, MOTHER, TODAY, now=NOW)
    assert (found.status, found.source, found.fetched_at) == (Status.UNKNOWN, name, NOW)
    assert list(source().children_of(MOTHER, TODAY)) == []


def test_the_clinics_own_word_is_no_register():
    assert Manual().check(CHILD, MOTHER, TODAY, now=NOW).status is Status.UNKNOWN


# -- a register's extract ----------------------------------------------------------------------------------
HEADER = "record;person;related;type;from;until;uncertain"


def write(tmp_path, *rows, name="extract.csv"):
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *rows, ""]))
    return path


def family(*, until="", uncertain=""):
    return [
        f"014;{MOTHER.number};{CHILD.number};M;;;",
        f"014;{FATHER.number};{CHILD.number};F;;;",
        f"016;{CHILD.number};;0003;2017-03-01;{until};{uncertain}",
    ]


@pytest.mark.django_db
def test_an_extract_is_rehearsed_and_then_stored_whole(tmp_path):
    path = write(tmp_path, *family())
    call_command("load_guardians", str(path), "--country", "DK")
    assert not RegisterEntry.objects.exists()
    call_command("load_guardians", str(path), "--country", "DK", "--apply")
    found = File().check(CHILD, MOTHER, TODAY, now=NOW)
    assert (found.status, found.basis, found.evidence_ref) == (Status.VALID, Basis.MOTHER, "extract.csv")
    assert File().check(CHILD, FATHER, TODAY, now=NOW).status is Status.NOT_VALID
    assert [ref.national_id_index for ref in File().children_of(MOTHER, TODAY)] == [national_id.index(CHILD)]
    assert AuditEvent.objects.get(action="guardians.loaded").details["entries"] == 1


@pytest.mark.django_db
def test_the_next_extract_replaces_the_one_before(tmp_path):
    for rows in (family(), family(until="2026-11-26")):
        call_command("load_guardians", str(write(tmp_path, *rows)), "--country", "DK", "--apply")
    assert RegisterExtract.objects.get(country=Country.DENMARK).entries.count() == 1
    assert File().check(CHILD, MOTHER, TODAY, now=NOW).status is Status.UNKNOWN


@pytest.mark.django_db
def test_no_number_and_no_name_is_stored_in_clear(tmp_path):
    call_command("load_guardians", str(write(tmp_path, *family())), "--country", "DK", "--apply")
    stored = json.dumps(list(RegisterEntry.objects.values()), default=str)
    assert CHILD.number not in stored
    assert MOTHER.number not in stored


@pytest.mark.django_db
def test_what_is_uncertain_is_unknown(tmp_path):
    call_command(
        "load_guardians", str(write(tmp_path, *family(uncertain="yes"))), "--country", "DK", "--apply"
    )
    for adult in (MOTHER, FATHER):
        assert File().check(CHILD, adult, TODAY, now=NOW).status is Status.UNKNOWN


@pytest.mark.django_db
def test_json_says_the_same(tmp_path):
    path = tmp_path / "extract.json"
    rows = [
        {"record": "014", "person": FATHER.number, "related": CHILD.number, "type": "F"},
        {"record": "016", "person": CHILD.number, "type": "0004", "uncertain": False},
    ]
    path.write_text(json.dumps(rows))
    call_command("load_guardians", str(path), "--country", "DK", "--apply")
    assert File().check(CHILD, FATHER, TODAY, now=NOW).basis is Basis.FATHER


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad",
    [
        "099;;;;;;",
        "016;123;;0003;;;",
        f"016;{CHILD.number};;0009;;;",
        f"016;{CHILD.number};;0003;;;",
        f"016;{CHILD.number};12;0005;;;",
        f"016;{CHILD.number};;0005;tomorrow;;",
        f"016;{CHILD.number};;0005;2026-02-02;2026-01-01;",
        f"014;{CHILD.number};;M;;;",
        f"014;{CHILD.number};{MOTHER.number};X;;;",
    ],
)
def test_a_refused_row_stores_nothing_and_repeats_no_number(tmp_path, capsys, bad):
    with pytest.raises(CommandError) as refused:
        call_command("load_guardians", str(write(tmp_path, bad)), "--country", "DK", "--apply")
    assert refused.value.returncode == 1
    assert not RegisterEntry.objects.exists()
    told = capsys.readouterr().out
    assert "row 2:" in told
    assert CHILD.number not in told


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a;b\n1;2\n", HEADER.encode()])
def test_an_unusable_file_is_refused(tmp_path, content):
    path = tmp_path / "extract.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        call_command("load_guardians", str(path), "--country", "DK")
    assert refused.value.returncode == 2
    with pytest.raises(CommandError):
        call_command("load_guardians", str(tmp_path / "none.csv"), "--country", "DK")
