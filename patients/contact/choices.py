"""Words of contact details."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.refusals import NextStep, Refusal


class ContactKind(TextChoices):
    """A way to reach a patient; the value is the name of the record's field."""

    EMAIL = "email", _("E-mail")
    MOBILE = "mobile", _("Mobile")


class ContactState(TextChoices):
    """How sure it is that the record's value is right."""

    MISSING = "missing", pgettext_lazy("contact", "Missing")
    UNCONFIRMED = "unconfirmed", pgettext_lazy("contact", "Not confirmed by the patient")
    DIFFERS = "differs", pgettext_lazy("contact", "The patient has said otherwise")
    OLD = "old", pgettext_lazy("contact", "Confirmed long ago")
    CONFIRMED = "confirmed", pgettext_lazy("contact", "Confirmed by the patient")


class ContactRefusal(Refusal):
    """Why a change of contact details goes no further. The same whoever else uses the address or number."""

    NUMBER = (
        "number",
        _(
            "The clinic sends codes to mobiles of these countries only: %(countries)s. For another number, phone the "
            "clinic."
        ),
    )
    STOPPED = "stopped", _("The clinic can't send codes at the moment. Try again in some hours.")
    BUDGET = (
        "budget",
        _(
            "The clinic has sent all the codes it can send in one day. Save the new number again tomorrow, or phone the "
            "clinic. Until then the old number counts."
        ),
    )
    TOO_OFTEN = "too-often", _("Too many messages have gone out. Try again later.")
    TOO_SOON = "too-soon", _("Wait a minute before you ask for another one.")
    WRONG = "wrong", _("This is not the code. Look at the latest message once more.")
    CODE_OVER = "code-over", _("This code can't be used any more. Ask for a new one.")
    USED = "used", _("This link has been used already. The address is confirmed.")
    LINK_OVER = "link-over", _("This link is no longer valid.")
    NOTHING_WAITS = "nothing-waits", _("Nothing waits to be confirmed any more.")
    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("Your contact details were changed meanwhile. Look at them once more."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        steps = dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)
        return steps | {
            cls.NUMBER.value: NextStep.PHONE_THE_CLINIC,
            cls.STOPPED.value: NextStep.PHONE_THE_CLINIC,
            cls.BUDGET.value: NextStep.PHONE_THE_CLINIC,
            cls.TOO_OFTEN.value: NextStep.PHONE_THE_CLINIC,
            cls.LINK_OVER.value: NextStep.SIGN_IN_AGAIN,
            cls.USED.value: NextStep.SIGN_IN_AGAIN,
        }
