"""What patients fill in when they ask for an urgent time."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from services.access.queries import ProviderChoice
from services.booking.forms import ReasonField
from services.booking.reminders.choosing import ReminderForm


class AskForm(ReminderForm):
    """With whom, why, and whether to be reminded."""

    providers = forms.TypedMultipleChoiceField(
        label=_("With whom?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose nobody if anyone will do: then the chance is greatest."),
        error_messages={"invalid_choice": _("This provider can't be asked for any more. Choose again.")},
    )
    reason = ReasonField(
        help_text=_("A few words are enough. The clinic reads them only if a time is booked.")
    )
    field_order = ("providers", "reason", "wants_reminder")

    def __init__(self, *args: Any, choices: Iterable[ProviderChoice], **kwargs: Any) -> None:
        """Take who can be asked for, and what is said about the reminder."""
        super().__init__(*args, **kwargs)
        self.fields["providers"].choices = [(one.provider_id, one.name) for one in choices]  # type: ignore[attr-defined]
