"""Whom a provider vouched for, between its answer and the opening of a session."""

import json
from dataclasses import dataclass
from datetime import date

from clinic_admin.choices import Country
from identity.choices import Assurance


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """Someone proven by eID. Holds the keyed hash of the national ID, never the number itself."""

    country: Country
    national_id_index: str
    given_name: str
    family_name: str
    birth_date: date | None
    provider: str
    """Slug of the identity provider."""
    assurance: Assurance
    next_path: str
    """Where the person was going: a path of our own, or empty."""

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ID token or assertion said, kept encrypted in the transaction. Only this area's operations read it."""

    issuer: str
    subject: str
    national_id: str
    national_id_index: str
    given_name: str
    family_name: str
    birth_date: date | None
    assurance: Assurance
    name_id: str = ""
    """The provider's name for the person, its kind, and its session; what its logout needs."""
    name_id_format: str = ""
    session_index: str = ""
    id_token: str = ""
    """OpenID Connect: kept only where the provider has a logout that asks for it."""

    def as_text(self) -> str:
        """Return it as text for an encrypted column."""
        born = self.birth_date.isoformat() if self.birth_date else None
        return json.dumps(
            {
                "issuer": self.issuer,
                "subject": self.subject,
                "national_id": self.national_id,
                "national_id_index": self.national_id_index,
                "given_name": self.given_name,
                "family_name": self.family_name,
                "birth_date": born,
                "assurance": int(self.assurance),
                "name_id": self.name_id,
                "name_id_format": self.name_id_format,
                "session_index": self.session_index,
                "id_token": self.id_token,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Evidence":
        """Return what as_text() wrote."""
        values = json.loads(text)
        born = values.pop("birth_date")
        level = values.pop("assurance")
        return cls(
            **values, birth_date=date.fromisoformat(born) if born else None, assurance=Assurance(level)
        )

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Evidence>"
