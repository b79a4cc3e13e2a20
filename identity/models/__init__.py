"""Who is at the keyboard, and how they came."""

from identity.models.by_code import (
    ActionLink,
    ClinicCodeSignIn,
    ClinicHour,
    ClinicMembership,
    CodeStop,
    OneTimeCode,
    PasswordTries,
)
from identity.models.people import Account, ExternalIdentity, User
from identity.models.providers import (
    ArchivedMessage,
    ClinicIdentityProvider,
    IdentityProvider,
    LoginTransaction,
    ProviderKey,
    ProviderLogout,
    ProviderSession,
    UsedMessage,
)
from identity.models.session import EndedSession, KeptForm
from identity.models.staff import StaffLink, StaffPasswordQuestion

__all__ = [
    "Account",
    "ActionLink",
    "ArchivedMessage",
    "ClinicCodeSignIn",
    "ClinicHour",
    "ClinicIdentityProvider",
    "ClinicMembership",
    "CodeStop",
    "EndedSession",
    "ExternalIdentity",
    "IdentityProvider",
    "KeptForm",
    "LoginTransaction",
    "OneTimeCode",
    "PasswordTries",
    "ProviderKey",
    "ProviderLogout",
    "ProviderSession",
    "StaffLink",
    "StaffPasswordQuestion",
    "UsedMessage",
    "User",
]
