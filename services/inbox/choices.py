"""Words of the inbox."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class ItemKind(TextChoices):
    """What kind of thing waits. Its page is named in PAGES."""

    REGISTRATION = "registration", _("Login request")


PAGES = {ItemKind.REGISTRATION: "registration_staff:request"}
"""Kind -> URL name of the staff's page, which takes the portal identifier and the subject's id."""


SET_ASIDE = {ItemKind.REGISTRATION: "set-aside"}
"""Kind -> the act that takes it out of what waits without an answer; its page takes it, and can take it back."""


class Box(TextChoices):
    """Which part of the inbox is shown."""

    ALL = "all", _("All that wait")
    MINE = "mine", _("Mine")
    UNASSIGNED = "unassigned", _("Nobody's")
    DONE = "done", _("Done")


class ItemRefusal(Refusal):
    """Why an item was not changed."""

    CLOSED = "closed", _("Somebody has dealt with this already.")
    TAKEN = "taken", _("Somebody else has taken this meanwhile.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        return dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)
