"""Whom eID has proven in this browser: by a sign-in that waits for its session, or by the session that is open."""

from dataclasses import dataclass, replace

from django.http import HttpRequest

from clinic_admin.models import Clinic
from identity import national_id, sessions
from identity import queries as identity_queries
from identity.models import User
from identity.national_id import BadNationalId, NationalId
from patients import queries as records
from patients.models import Patient
from services.registration.registrant import Registrant


@dataclass(frozen=True, slots=True)
class Proven:
    """A person and how this browser proved it. Printing it shows nothing."""

    number: NationalId
    given_name: str
    family_name: str
    waits_for_session: bool

    @property
    def index(self) -> str:
        """Return the keyed hash by which records are found."""
        return national_id.index(self.number)

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()

    def named(self, who: Registrant) -> Registrant:
        """Return what was filled in, with the name of the eID: it counts more than what was typed (F7)."""
        return (
            replace(who, given_name=self.given_name, family_name=self.family_name) if self.full_name else who
        )

    def contact(self, clinic: Clinic, record: Patient | None) -> dict[str, str]:
        """Return how to reach the person, to be confirmed: what the clinic's record says, else what they use elsewhere.

        So one press is enough at a further clinic (003, D2). Nobody else sees it before it is pressed.
        """
        if record is not None and record.email:
            return {"email": record.email, "mobile": record.mobile}
        email, mobile = records.contact_elsewhere(national_id_index=self.index, clinic=clinic)
        return {"email": email, "mobile": (record.mobile if record else "") or mobile}

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Proven>"


def of_sign_in(request: HttpRequest) -> Proven | None:
    """Return whom the provider vouched for in the sign-in that waits for its session."""
    person, number = identity_queries.verified_person(request), identity_queries.verified_national_id(request)
    if person is None or number is None:
        return None
    return Proven(number, person.given_name, person.family_name, waits_for_session=True)


def of(request: HttpRequest) -> Proven | None:
    """Return whom eID has proven, in a waiting sign-in or an open session. A session by code proves nobody here."""
    waiting = of_sign_in(request)
    if waiting is not None:
        return waiting
    sign_in, user = sessions.of(request), request.user
    if sign_in is None or not sign_in.assurance.is_eid or not isinstance(user, User):
        return None
    account = user.account
    try:
        number = national_id.parse(account.national_id or "", account.country, allow_synthetic=True)
    except BadNationalId:  # a number from before the rules: nobody registers with it
        return None
    given, _space, family = user.name.rpartition(" ")
    return Proven(number, given or family, family if given else "", waits_for_session=False)
