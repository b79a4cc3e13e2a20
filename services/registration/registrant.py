"""Whom a registration is about, and what they filled in."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest

from identity import national_id
from identity.by_code.holders import Holder
from identity.national_id import NationalId
from portal import crypto

LASTS = timedelta(minutes=15)
_KEY, _CONTEXT = "registration", "session.registration"


@dataclass(frozen=True, slots=True)
class Registrant:
    """A person who registers. Printing it shows nothing."""

    number: NationalId
    given_name: str
    family_name: str
    email: str
    mobile: str
    """E.164 or empty."""
    language: str
    terms: str
    password: str = ""
    """A hash; empty where none was asked for."""

    @property
    def index(self) -> str:
        """Return the keyed hash by which records and accounts are found."""
        return national_id.index(self.number)

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()

    def as_holder(self) -> Holder:
        """Return the person as accounts are made from."""
        return Holder(
            country=self.number.country,
            national_id=self.number.number,
            national_id_index=self.index,
            given_name=self.given_name,
            family_name=self.family_name,
            birth_date=self.number.birth_date,
            email=self.email,
            mobile=self.mobile,
            language=self.language,
        )

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Registrant>"


def keep(request: HttpRequest, who: Registrant, *, clinic_id: int, now: datetime) -> None:
    """Keep the form, encrypted in the browser's session, until the eID has answered. An older one is dropped."""
    values = asdict(who) | {
        "number": who.number.number,
        "country": who.number.country,
        "clinic_id": clinic_id,
        "at": now.isoformat(),
    }
    request.session[_KEY] = crypto.encrypt(json.dumps(values), context=_CONTEXT)


def take(request: HttpRequest, *, clinic_id: int, now: datetime) -> Registrant | None:
    """Return the form and drop it: it is good once, at its clinic, for a quarter of an hour."""
    sealed = request.session.pop(_KEY, None)
    if not isinstance(sealed, str):
        return None
    values = json.loads(crypto.decrypt(sealed, context=_CONTEXT))
    at, kept_for, country = (values.pop(name) for name in ("at", "clinic_id", "country"))
    if kept_for != clinic_id or now - datetime.fromisoformat(at) >= LASTS:
        return None
    number = national_id.parse(values.pop("number"), country, allow_synthetic=True)
    return Registrant(number=number, **values)
