"""Families for tests: national IDs of nobody, birth dates in years and days from a day."""

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from clinic_admin.choices import Country
from identity import national_id, sessions
from identity.choices import Assurance, Method, UserKind
from identity.models import Account
from patients.guardianship import operations
from patients.guardianship.choices import Basis
from patients.guardianship.models import RegisterEntry, RegisterExtract
from patients.guardianship.operations import Adult
from tests.build import make_patient, make_user


def years_ago(years, *, days=0, today=None):
    """Return the birth date of someone who is so old on the day, with the birthday `days` earlier.

    Without a day: today at the clinics, where both countries have the same clock. In the last hours of UTC that is tomorrow.
    """
    day = (today or timezone.localdate(timezone=ZoneInfo("Europe/Oslo"))).toordinal() - days
    day = date.fromordinal(day)
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


def number_of(born, *, country="NO", serial=1):
    """Return the parsed synthetic number."""
    return national_id.parse(national_id.make_synthetic(country, born, serial=serial), country)


def make_person(clinic, born, *, serial=1, **values):
    """Store a record with a real (synthetic) number and the birth date that it holds."""
    number = number_of(born, country=clinic.country, serial=serial)
    patient = make_patient(
        clinic,
        national_id=number.number,
        national_id_index=national_id.index(number),
        birth_date=number.birth_date,
        **values,
    )
    patient.clinic = clinic
    return patient


def make_account(number, *, name="Kari Forelder"):
    """Store the login of whoever has the number."""
    user = make_user(kind=UserKind.PATIENT, name=name)
    return Account.objects.create(
        user=user,
        country=number.country,
        national_id=number.number,
        national_id_index=national_id.index(number),
        birth_date=number.birth_date,
    )


def sign_in_account(
    client, account, *, method=Method.BANKID, assurance=Assurance.HIGH, clinic_scope=None, at=None
):
    """Sign the client in as the account."""
    client.force_login(account.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    request = type("Request", (), {"session": session})()
    how = sessions.SignIn(method, assurance, at or timezone.now(), clinic_scope=clinic_scope)
    sessions.store(request, how)
    session.save()


def adult_of(account):
    """Return the account's person."""
    return operations.adult_of(account)


def adult(number, name="Kari Forelder"):
    """Return a person by number."""
    return Adult(number, name)


def in_register(child, number, *, basis=Basis.MOTHER, extract="extract-1", **values):
    """Let the extract of the clinic's country name the adult as the child's guardian."""
    country = Country(child.clinic.country)
    row, _ = RegisterExtract.objects.get_or_create(
        country=country, defaults={"name": extract, "loaded_at": timezone.now()}
    )
    return RegisterEntry.objects.create(
        extract=row,
        child_index=child.national_id_index,
        adult_index=national_id.index(number) if number else "",
        basis=basis,
        **values,
    )


def begins(client, clinic, relation, kind="guardian"):
    """Act by the relation."""
    return client.post(
        f"/{clinic.portal_identifier}/my-people/begin/", {"kind": kind, "relation": str(relation.pk)}
    )
