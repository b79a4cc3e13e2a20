"""Someone who can leave the clinic: a staff member, a provider whom nobody signs in as, or one who is both."""

from dataclasses import dataclass
from typing import NamedTuple

from clinic_admin.models import Clinic, Provider, StaffMember


class Who(NamedTuple):
    """Whom an address is about: the id of a post, or of a provider without a login. One of the two."""

    member_id: int | None = None
    provider_id: int | None = None


@dataclass(frozen=True, slots=True)
class Leaver:
    """Someone of the clinic. With a login there is a post; whom patients can choose is a provider."""

    clinic: Clinic
    member: StaffMember | None
    provider: Provider | None

    @property
    def who(self) -> Who:
        """Return whom the addresses of their pages are about."""
        if self.member is not None:
            return Who(member_id=self.member.pk)
        return Who(provider_id=self.provider.pk if self.provider else None)

    @property
    def name(self) -> str:
        """Return the name as staff know it."""
        known = self.member or self.provider
        return known.name if known else ""

    @property
    def is_active(self) -> bool:
        """Return whether they work here now."""
        known = self.member or self.provider
        return known.is_active if known else False

    @property
    def roles(self) -> list[str]:
        """Return what they may do here; who doesn't sign in has no roles."""
        return list(self.member.roles) if self.member else []
