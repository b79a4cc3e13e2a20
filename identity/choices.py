"""Words of sign-in."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.refusals import NextStep, Refusal


class UserKind(TextChoices):
    """Patients and staff never share a login."""

    PATIENT = "patient", _("Patient")
    STAFF = "staff", pgettext_lazy("one person", "Staff")


class Method(TextChoices):
    """How a session was opened."""

    BANKID = "bankid", "BankID"
    MITID = "mitid", "MitID"
    ONE_TIME_CODE = "one-time-code", _("One-time code")
    STAFF_PASSWORD = "staff-password", _("Password and second step")


class Assurance(IntegerChoices):
    """How sure we are of who is at the keyboard (identity research, 5.1). Data of the session, not of the account."""

    NONE = 0, _("Not signed in")
    ONE_FACTOR = 1, _("One factor")
    TWO_FACTORS = 2, _("Password and one-time code")
    SUBSTANTIAL = 3, _("eID, substantial")
    HIGH = 4, _("eID, high")

    @property
    def is_eid(self) -> bool:
        """Return whether a government-grade eID stands behind it."""
        return self >= Assurance.SUBSTANTIAL


class EndReason(TextChoices):
    """Why a session ended that nobody signed out of there. The label tells the person who finds it ended."""

    UNUSED = "unused", _("You were signed out because the page was not used for a while.")
    TOO_LONG = "too-long", _("You were signed out because a sign-in lasts for some hours at most.")
    TOO_MANY = (
        "too-many",
        _(
            "You were signed out here because you signed in at another place: you can be signed in at a few places at once."
        ),
    )
    BY_ONESELF = (
        "by-oneself",
        _("You were signed out here because you ended this session from another device."),
    )
    AT_PROVIDER = "at-provider", _("You were signed out here because you signed out at your eID's provider.")
    PASSWORD = "password", _("You were signed out because there is a new password.")
    CONTACT = (
        "contact",
        _("You were signed out because your mobile or e-mail was changed, and codes go there from now on."),
    )
    BY_STAFF = (
        "by-staff",
        _("You were signed out because your access was changed. Ask the clinic if you don't know why."),
    )


class SentLate(TextChoices):
    """What became of what somebody sent after their session had ended."""

    KEPT = (
        "kept",
        _("Nothing has been sent. Sign in again: you come back to the page with what you had typed."),
    )
    LOST = "lost", _("Nothing has been sent. Sign in again, and do it once more.")


class Purpose(TextChoices):
    """What somebody wants to do that asks for a sure, or a recent, sign-in. The label says why, to the person."""

    CONTACT = (
        "contact",
        _(
            "Codes and messages go to your mobile and e-mail. Before they are changed, we make sure that it is you."
        ),
    )
    DOWNLOAD = "download", _("Your data leave the portal here. Before that, we make sure that it is you.")
    LEAVE = "leave", _("This ends your access to the portal. Before that, we make sure that it is you.")
    READ_LETTERS = "read-letters", _("e-Consultations are about your health. They open with eID only.")
    SEND_LETTERS = (
        "send-letters",
        _("An e-consultation becomes part of your record. Before it is sent, we make sure that it is you."),
    )


class Protocol(TextChoices):
    """What an identity provider speaks."""

    OIDC = "oidc", "OpenID Connect"
    SAML = "saml", "SAML 2.0"


class ClientAuth(TextChoices):
    """How the portal proves to a provider that it is the portal (RFC 6749 2.3.1, RFC 7523)."""

    SECRET = "client_secret_basic", _("Secret")
    KEY = "private_key_jwt", _("Private key")


class Direction(TextChoices):
    """Which way a SAML message went."""

    SENT = "sent"
    RECEIVED = "received"


class TransactionStatus(TextChoices):
    """How far a sign-in at a provider has come."""

    STARTED = "started", _("Started")
    ANSWERED = "answered", _("Being verified")
    VERIFIED = "verified", _("Verified")
    CONSUMED = "consumed", _("Used")
    FAILED = "failed", _("Failed")


class SignInFault(Refusal):
    """Why a sign-in with eID ended without a session. Users see one page; the reason goes to the audit trail."""

    STATE = "state", _("This sign-in was not started here, or has been used already.")
    EXPIRED = "expired", _("The sign-in took too long.")
    OTHER_PROVIDER = "other-provider", _("The answer came from another provider than the one you chose.")
    PROVIDER = "provider", _("The provider did not answer as it should.")
    TOKEN = "token", _("The provider's answer could not be trusted.")
    ASSURANCE = (
        "assurance",
        _("The sign-in method was not strong enough. Choose BankID or MitID with a code."),
    )
    NATIONAL_ID = "national-id", _("The provider did not say who you are in a way we can use.")
    ANOTHER_PERSON = "another-person", _("Someone else signed in than the person who was signed in before.")
    CONFLICT = "conflict", _("We could not connect this sign-in with your details here.")
    CLOSED = "closed", _("This login has been closed.")
    LOGOUT = "logout", _("The message about signing out could not be trusted, so nothing was done.")
    TOO_YOUNG = (
        "too-young",
        _(
            "Children can't use eID here, and nobody can use it on their behalf. They sign in with password and a code; "
            "a guardian makes that sign-in."
        ),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the way on: trying again, or the clinic where trying again can't help."""
        by_phone = {cls.CONFLICT, cls.CLOSED, cls.NATIONAL_ID, cls.TOO_YOUNG}
        return {
            member.value: NextStep.PHONE_THE_CLINIC if member in by_phone else NextStep.SIGN_IN_AGAIN
            for member in cls
        }


class StaffLinkPurpose(TextChoices):
    """What a link of staff leads to. One of one purpose is worth nothing for the other."""

    WELCOME = "welcome", _("First password")
    NEW_PASSWORD = "new-password", _("New password")


class FactorRefusal(Refusal):
    """Why a second factor can't be taken away."""

    LAST_FACTOR = (
        "last-factor",
        _("You need at least one passkey or a code app to sign in. Set up another one first."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the way on: the page offers to set up another one."""
        return {cls.LAST_FACTOR.value: NextStep.RELOAD_THE_PAGE}


class LoginNews(TextChoices):
    """What staff are told of their login, in a few words for the e-mail's subject."""

    CODE_APP = "code-app", _("new code app")
    CODE_APP_REMOVED = "code-app-removed", _("code app taken away")
    PASSKEY = "passkey", _("new passkey")
    PASSKEY_REMOVED = "passkey-removed", _("passkey taken away")
    RECOVERY_CODES = "recovery-codes", _("new recovery codes")
    PASSWORD = "password", _("new password")
    RESET_ASKED = "reset-asked", _("someone asks to reset it")
    RESET_WITHDRAWN = "reset-withdrawn", _("it is not reset after all")
    RESET_DONE = "reset-done", _("it was reset")
    TAKEN_AWAY = "taken-away", _("code app and passkeys taken away")

    def sentence(self) -> str:
        """Return what the e-mail says happened, in the language in force."""
        return str(_NEWS[self])


_NEWS = {
    LoginNews.CODE_APP: _(
        "A code app was set up for your login. If you had another one, its codes don't work any more."
    ),
    LoginNews.CODE_APP_REMOVED: _("The code app was taken away from your login. You sign in with a passkey."),
    LoginNews.PASSKEY: _("A passkey was added to your login."),
    LoginNews.PASSKEY_REMOVED: _("A passkey was taken away from your login."),
    LoginNews.RECOVERY_CODES: _(
        "New recovery codes were made for your login. The older ones don't work any more."
    ),
    LoginNews.PASSWORD: _(
        "A new password was chosen for your login, and you were signed out everywhere else. You still need your code app "
        "or passkey to sign in."
    ),
    LoginNews.RESET_ASKED: _(
        "An administrator asks to take your code app and passkeys away, because you have lost them. Nothing changes "
        "before another administrator has made sure that it is you who asks, and agrees."
    ),
    LoginNews.RESET_WITHDRAWN: _(
        "The request to take your code app and passkeys away was taken back. Nothing was changed."
    ),
    LoginNews.TAKEN_AWAY: _(
        "Whoever runs the portal has taken your code app and passkeys away, and you were signed out everywhere. "
        "Sign in with your password and set up a new code app or passkey at once."
    ),
    LoginNews.RESET_DONE: _(
        "Two administrators have agreed to take your code app and passkeys away, and you were signed out everywhere. "
        "Sign in with your password and set up a new code app or passkey at once."
    ),
}


class StaffLinkRefusal(Refusal):
    """Why a link to choose a password can't be used, or can't be sent."""

    USED = "used", _("This link has been used already. Sign in with the password you chose.")
    OVER = "over", _("This link is no longer valid.")
    HAS_PASSWORD = "has-password", _("This person has chosen a password already.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the way on: signing in, or an administrator who sends a new link."""
        return {
            cls.USED.value: NextStep.SIGN_IN_AGAIN,
            cls.OVER.value: NextStep.ASK_AN_ADMINISTRATOR,
            cls.HAS_PASSWORD.value: NextStep.RELOAD_THE_PAGE,
        }


class MembershipState(TextChoices):
    """How far someone's password at a clinic has come."""

    AWAITING = "awaiting", _("Awaiting activation")
    ACTIVE = "active", _("Active")
    REMOVED = "removed", _("Removed")


class CodePurpose(TextChoices):
    """What a one-time code is good for. A code of one purpose is worth nothing for another."""

    SIGN_IN = "sign-in", _("Signing in")
    PASSWORD = "password", _("Choosing a password")


class StopReason(TextChoices):
    """Why a clinic sends no codes for a while."""

    UNUSED = "unused", _("Many codes were sent and few of them used")
    BUDGET = "budget", _("The clinic's codes of the day are used up")


class EidProof(TextChoices):
    """How the clinic made sure who a patient without eID is (004)."""

    PAPERS = "papers", _("Showed identity papers at the clinic")
    KNOWN = "known", _("Known to the clinic in person")
    REPRESENTATIVE = "representative", _("A guardian or representative showed papers for both")


class LinkPurpose(TextChoices):
    """What a link in an e-mail is good for."""

    ACTIVATE = "activate", _("Starting to use a password")
    RESET = "reset", _("Choosing a new password")


class CodeRefusal(Refusal):
    """Why a sign-in with a code goes no further. The same for everyone, known to us or not."""

    TOO_MANY = (
        "too-many",
        _("Too many tries. Wait a quarter of an hour, or sign in another way meanwhile."),
    )
    WRONG = "wrong", _("This is not the code. Look at the latest message once more.")
    OVER = "over", _("This code can't be used any more. Begin again to get a new one.")
    TOO_SOON = "too-soon", _("Wait a minute before you ask for another code.")
    WAIT = "wait", _("This was tried several times. Wait a little before the next try.")
    STOPPED = (
        "stopped",
        _("The clinic can't send codes at the moment. Sign in with eID, or phone the clinic."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the way on: from the beginning."""
        return dict.fromkeys(cls.values, NextStep.SIGN_IN_AGAIN)


class LinkRefusal(Refusal):
    """Why a patient's link can't be used."""

    USED = "used", _("This link has been used already. Sign in with the password you chose.")
    OVER = "over", _("This link is no longer valid.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the way on."""
        return {cls.USED.value: NextStep.SIGN_IN_AGAIN, cls.OVER.value: NextStep.PHONE_THE_CLINIC}


class MembershipRefusal(Refusal):
    """Why staff can't make or change a patient's account."""

    NOT_OFFERED = "not-offered", _("The clinic does not offer signing in with password and code.")
    NO_NATIONAL_ID = "no-national-id", _("The record has no national ID. Without it there is no account.")
    NOT_ACTIVE = "not-active", _("The record is not active. Without an active record nobody can sign in.")
    NO_EMAIL = "no-email", _("The clinic has no e-mail address of the patient to send the link to.")
    NO_MOBILE = (
        "no-mobile",
        _("The clinic has no mobile number of the patient that codes can be sent to."),
    )
    EXISTS = "exists", _("The patient has an account already.")
    MISSING = "missing", _("The patient has no such account.")
    CLOSED = "closed", _("The patient's login has been closed.")
    TOO_OFTEN = "too-often", _("Several links have gone out today. Try again tomorrow.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what staff can do."""
        steps = dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)
        return steps | {cls.NOT_OFFERED.value: NextStep.ASK_AN_ADMINISTRATOR}


class PasswordProblem(TextChoices):
    """What is wrong with a password that a patient chose."""

    SHORT = "short", _("The password needs at least 8 characters.")
    LONG = "long", _("The password can have at most 128 characters.")
    PLAIN = (
        "plain",
        _("Use upper and lower case letters and a digit, or make the password at least 15 characters long."),
    )
    COMMON = "common", _("Many people use this password. Choose another one.")
    PERSONAL = "personal", _("Names, birth dates and the clinic's name are easy to guess. Leave them out.")
