"""The person whom a password at a clinic is for, as the clinic's record has them."""

import json
from dataclasses import asdict, dataclass
from datetime import date

from identity.choices import Assurance
from identity.providers.verified import Evidence


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom an account is made for. Filled by the area that knows records; printing it shows nothing."""

    country: str
    national_id: str
    national_id_index: str
    given_name: str
    family_name: str
    birth_date: date | None
    email: str
    mobile: str
    """E.164, as the clinic has registered it."""
    language: str
    """Of messages to them."""
    needs_eid: bool = False
    """Whether this person signs in with eID and gets no link to a password on their own asking (F12)."""

    def as_text(self) -> str:
        """Return it as text for an encrypted column."""
        born = self.birth_date.isoformat() if self.birth_date else None
        return json.dumps(asdict(self) | {"birth_date": born})

    @classmethod
    def from_text(cls, text: str) -> "Holder":
        """Return what as_text() wrote."""
        values = json.loads(text)
        born = values.pop("birth_date")
        return cls(**values, birth_date=date.fromisoformat(born) if born else None)

    def as_evidence(self) -> Evidence:
        """Return what an account is made from. No provider vouched for it."""
        return Evidence(
            issuer="",
            subject="",
            national_id=self.national_id,
            national_id_index=self.national_id_index,
            given_name=self.given_name,
            family_name=self.family_name,
            birth_date=self.birth_date,
            assurance=Assurance.NONE,
        )

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Holder>"
