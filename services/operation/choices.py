"""Words of the operation page."""

from django.db.models import IntegerChoices
from django.utils.translation import gettext_lazy as _


class Light(IntegerChoices):
    """How something is; the worst is the greatest."""

    GREEN = 0, _("Works")
    YELLOW = 1, _("Look at this")
    RED = 2, _("Does not work")

    @property
    def kind(self) -> str:
        """Return the kind of tag and alert that shows it."""
        return {0: "success", 1: "warning", 2: "danger"}[self.value]

    @property
    def icon(self) -> str:
        """Return the sign beside the word: nobody has to see colours."""
        return {0: "check-circle", 1: "alert", 2: "cross-circle"}[self.value]
