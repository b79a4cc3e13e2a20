"""Words of the access decision."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Approval(TextChoices):
    """How an appointment that a patient books becomes final."""

    BY_HAND = "by-hand", _("Must be approved")
    AUTOMATIC = "automatic", _("Approved automatically")


class Column(TextChoices):
    """The two columns of a provider's rights (000 §3, figure 2)."""

    WITH_GP = "with-gp", _("Patients with a GP here")
    WITHOUT_GP = "without-gp", _("Patients without a GP here")
