"""How allauth serves our staff."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are added by an administrator: nobody signs up."""

    def is_open_for_signup(self, request: object) -> bool:
        return False


class StaffMfaAdapter(DefaultMFAAdapter):
    """Second factor of staff."""
