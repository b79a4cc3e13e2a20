"""A rule that says no: the sentence the user reads, and what they can do instead.

Each area lists its refusals as a Refusal enumeration; the label is the sentence, the second value the way on.
"""

from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class NextStep(TextChoices):
    """What a person can do after a refusal. Templates show it with the clinic's own numbers."""

    CHOOSE_ANOTHER_TIME = "choose-another-time", _("Choose another time")
    CHOOSE_ANOTHER_PROVIDER = "choose-another-provider", _("Choose someone else")
    SIGN_IN_WITH_EID = "sign-in-with-eid", _("Sign in with eID")
    SIGN_IN_AGAIN = "sign-in-again", _("Sign in again")
    PHONE_THE_CLINIC = "phone-the-clinic", _("Phone the clinic")
    SEE_MY_APPOINTMENTS = "see-my-appointments", _("See my appointments")
    SHORTEN_THE_TEXT = "shorten-the-text", _("Shorten the text")
    ASK_AN_ADMINISTRATOR = "ask-an-administrator", _("Ask an administrator")
    RELOAD_THE_PAGE = "reload-the-page", _("Load the page again")
    TRY_AGAIN_SOON = "try-again-soon", _("Try again in a minute")


class Refusal(TextChoices):
    """Base of every list of refusals. Members are (value, sentence); next_steps names the way on for each."""

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step, for every member."""
        raise NotImplementedError

    @classmethod
    def of_others(cls) -> dict[str, str | Promise]:
        """Return value -> sentence with %(name)s for who acts for somebody else, where the label says "you" to a patient."""
        return {}

    def sentence(self, name: str = "") -> str:
        """Return the sentence; `name` is of whom the reader acts for, if for anybody."""
        of_other = self.of_others().get(self.value) if name else None
        return str(self.label) if of_other is None else str(of_other) % {"name": name}

    @property
    def next_step(self) -> NextStep:
        """Return what the person can do now."""
        return self.next_steps()[self.value]


class Refused(Exception):
    """An operation was refused by a rule. Nothing was changed."""

    def __init__(self, reason: Refusal, **details: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.details = details

    @property
    def message(self) -> str | Promise:
        """Return the sentence for the user."""
        return self.reason.label
