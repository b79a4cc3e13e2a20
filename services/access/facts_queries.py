"""Reads the facts that decide, by plain SQL: of a patient, of one question, of a guest, of a clinic. One query each."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from clinic_admin.choices import Service
from clinic_admin.models import Clinic
from delegation.policy import Away, Tick
from patients.models import Patient
from portal.postgres.base import often
from services.access.choices import Approval, Column
from services.access.policy import (
    NO_RIGHTS,
    AccessFacts,
    ClinicFacts,
    PatientFacts,
    ProviderFacts,
    Rights,
    SpecialRights,
)

_SPECIAL = ("renewal", "consultation", "booking", "approval", "cancelling")
PATIENT_FIELDS = (
    "is_active",
    "has_id",
    "is_withdrawn",
    "gp_id",
    *(f"special_rights__{name}" for name in _SPECIAL),
)


_NOBODY = dict.fromkeys(PATIENT_FIELDS) | dict.fromkeys(PATIENT_FIELDS[:3], False)


def with_facts(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """Return the patients with what PATIENT_FIELDS names."""
    return patients.annotate(
        has_id=_is(national_id_index__isnull=False), is_withdrawn=_is(portal_withdrawn_at__isnull=False)
    )


def facts_of_patient(path: str) -> dict[str, Any]:
    """Return what to select of rows that point at a patient by `path`, so that patient_facts reads them."""
    return {
        "is_active": F(f"{path}__is_active"),
        "has_id": _is(**{f"{path}__national_id_index__isnull": False}),
        "is_withdrawn": _is(**{f"{path}__portal_withdrawn_at__isnull": False}),
        "gp_id": F(f"{path}__gp_id"),
        **{f"special_rights__{name}": F(f"{path}__special_rights__{name}") for name in _SPECIAL},
    }


def _is(**condition: Any) -> "ExpressionWrapper[Any]":
    return ExpressionWrapper(Q(**condition), output_field=BooleanField())


_SETTING = """
    clinic.is_active AS portal_is_on,
    clinic.requires_eid_for_consultation AS requires_eid,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT id, name, initials, kind, is_active, has_portal_access
            FROM clinic_admin_provider provider WHERE clinic_id = clinic.id AND {whose} ORDER BY position, name, id
        ) AS one
    ) AS provider_rows,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT provider_id AS provider, "column", renewal, consultation, booking, approval, cancelling
            FROM access_providerrights JOIN clinic_admin_provider provider ON provider.id = provider_id
            WHERE provider.clinic_id = clinic.id AND {columns}
        ) AS one
    ) AS column_rows,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT provider_id AS provider, first_day, last_day, ARRAY(
                SELECT json_build_object('service', service, 'provider', cover.provider_id)
                FROM delegation_absencecover cover WHERE cover.absence_id = absence.id
            ) AS covers
            FROM delegation_absence absence
            WHERE clinic_id = clinic.id AND first_day <= %(last_day)s AND last_day >= %(first_day)s
            ORDER BY first_day, id
        ) AS one
    ) AS absence_rows,
    ARRAY(
        SELECT json_build_object('service', service, 'row', row_id, 'provider', provider_id)
        FROM delegation_matrixtick WHERE clinic_id = clinic.id AND {rows}
    ) AS tick_rows
"""
"""The clinic's settings, some providers and columns, the absences of some days, and some of the ticks."""


def _about_patient(*, whose: str, columns: str, rows: str, beside: str = "") -> str:
    special = ", ".join(f"special.{name} AS special_rights__{name}" for name in _SPECIAL)
    return f"""
SELECT to_json(found)::text FROM (
    SELECT patient.is_active,
        patient.national_id_index IS NOT NULL AS has_id,
        patient.portal_withdrawn_at IS NOT NULL AS is_withdrawn,
        patient.gp_id,
        {special},
        {_SETTING.format(whose=whose, columns=columns, rows=rows)}{beside}
    FROM patients_patient patient
    JOIN clinic_admin_clinic clinic ON clinic.id = patient.clinic_id
    LEFT JOIN access_specialrights special ON special.patient_id = patient.id
    WHERE patient.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only


_OF_PATIENT = _about_patient(whose="true", columns="true", rows="(row_id = patient.gp_id OR row_id IS NULL)")
_WHOSE = "(provider.id = %(provider)s OR provider.id = patient.gp_id)"
_OF_QUESTION = _about_patient(
    whose=_WHOSE,
    columns="""provider.id = coalesce(patient.gp_id, %(provider)s)
        AND "column" = CASE WHEN patient.gp_id IS NULL THEN 'without-gp' ELSE 'with-gp' END""",
    rows="""service = %(service)s AND (row_id = patient.gp_id OR (row_id IS NULL AND patient.gp_id IS NULL))""",
    beside=f""",
        ARRAY[patient.xmin::text, clinic.xmin::text] || ARRAY(
            SELECT xmin::text FROM clinic_admin_provider provider WHERE clinic_id = clinic.id AND {_WHOSE}
        ) AS versions
""",  # noqa: S608 - put together from our own words only
)
"""What decides about one provider and one service: the column that holds for the patient, and ticks that covers go by; and
the versions of the rows that all of it hangs on (Seen)."""
_OF_GUEST = f"""
SELECT to_json(found)::text FROM (
    SELECT {_SETTING.format(whose="true", columns="true", rows="row_id IS NULL")}
    FROM clinic_admin_clinic clinic WHERE clinic.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only
_OF_CLINIC = f"""
SELECT to_json(found)::text FROM (
    SELECT {_SETTING.format(whose="true", columns="true", rows="service = ANY(%(services)s)")}
    FROM clinic_admin_clinic clinic WHERE clinic.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only
"""Plain SQL, because building this from models takes ten times as long as Postgres takes to answer it."""


def row_of_patient(patient: Patient, first_day: date, last_day: date) -> dict[str, Any]:
    """Return what decides for the patient on these days. One query. Raises Patient.DoesNotExist when the record is gone."""
    return _there(_found(_OF_PATIENT, patient.pk, first_day, last_day))


def row_of_question(patient: Patient, *, service: Service, provider_id: int, day: date) -> dict[str, Any]:
    """Return what decides about this service with this provider, and nothing else. One query.

    Raises Patient.DoesNotExist when the record is gone.
    """
    asked = {
        "id": patient.pk,
        "first_day": day,
        "last_day": day,
        "provider": provider_id,
        "service": service.value,
    }
    return _there(_answered(_OF_QUESTION, asked))


def row_of_guest(clinic: Clinic, first_day: date, last_day: date) -> dict[str, Any]:
    """Return what decides for somebody without an account. One query. Raises Clinic.DoesNotExist."""
    row = _found(_OF_GUEST, clinic.pk, first_day, last_day)
    if row is None:
        raise Clinic.DoesNotExist
    return _NOBODY | {"is_active": True, "has_id": True} | row


def row_of_clinic(
    clinic: Clinic, first_day: date, last_day: date, services: Collection[Service]
) -> dict[str, Any]:
    """Return what decides at the clinic, with nobody as the patient. One query. Raises Clinic.DoesNotExist."""
    row = _found(_OF_CLINIC, clinic.pk, first_day, last_day, services)
    if row is None:
        raise Clinic.DoesNotExist
    return _NOBODY | row


def _there(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise Patient.DoesNotExist
    return row


def _found(
    sql: str, pk: int | UUID, first_day: date, last_day: date, services: Collection[Service] = ()
) -> dict[str, Any] | None:
    names = [service.value for service in services]
    return _answered(sql, {"id": pk, "first_day": first_day, "last_day": last_day, "services": names})


def _answered(sql: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one row as a dictionary; days in it are text."""
    with often(connection.cursor()) as cursor:
        cursor.execute(sql, asked)
        row = cursor.fetchone()
    return json.loads(row[0]) if row else None


# -- rows to facts -----------------------------------------------------------------------------------------
def facts_of(row: dict[str, Any]) -> AccessFacts:
    """Return the facts of a row that one of the readers above gave."""
    columns = {
        (column["provider"], Column(column["column"])): Rights(
            renewal=column["renewal"],
            consultation=column["consultation"],
            booking=column["booking"],
            approval=Approval(column["approval"]),
            cancelling=column["cancelling"],
        )
        for column in row["column_rows"]
    }
    return AccessFacts(
        clinic=ClinicFacts(row["portal_is_on"], row["requires_eid"]),
        patient=patient_facts(row),
        providers={
            provider["id"]: ProviderFacts(
                id=provider["id"],
                has_portal_access=provider["is_active"] and provider["has_portal_access"],
                with_gp=columns.get((provider["id"], Column.WITH_GP), NO_RIGHTS),
                without_gp=columns.get((provider["id"], Column.WITHOUT_GP), NO_RIGHTS),
            )
            for provider in row["provider_rows"]
        },
        ticks=frozenset(
            Tick(Service(tick["service"]), tick["row"], tick["provider"]) for tick in row["tick_rows"]
        ),
        absences=tuple(
            Away(
                provider=absence["provider"],
                first_day=date.fromisoformat(absence["first_day"]),
                last_day=date.fromisoformat(absence["last_day"]),
                covers={Service(cover["service"]): cover["provider"] for cover in absence["covers"]},
            )
            for absence in row["absence_rows"]
        ),
    )


def patient_facts(row: Mapping[str, Any]) -> PatientFacts:
    """Return the facts of a row with the columns of PATIENT_FIELDS."""
    special = {name: row[f"special_rights__{name}"] for name in _SPECIAL}
    if special["approval"] is not None:
        special["approval"] = Approval(special["approval"])
    return PatientFacts(
        is_active=row["is_active"],
        has_national_id=row["has_id"],
        is_withdrawn=row["is_withdrawn"],
        gp_id=row["gp_id"],
        special=SpecialRights(**special),
    )
