"""Choosing to be reminded, in every form in which a patient can."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from services.booking.reminders.words import Choice

OTHER_PRICE = _("The price has changed since you opened the page. Choose again.")


class ReminderForm(forms.Form):
    """Whether the patient wants a reminder, at the price that stood beside the choice."""

    wants_reminder = forms.BooleanField(required=False)

    def __init__(self, *args: Any, reminder: Choice, **kwargs: Any) -> None:
        """Take what is said about the reminder: it can be chosen where the choice has a label."""
        super().__init__(*args, **kwargs)
        self.reminder = reminder
        if reminder.label:
            self.fields["wants_reminder"].label = reminder.label
            self.fields["wants_reminder"].help_text = reminder.hint
        else:
            del self.fields["wants_reminder"]

    def clean_wants_reminder(self) -> bool:
        """Refuse what was chosen at another price than today's: the page that comes back states that one (F6)."""
        wants: bool = self.cleaned_data["wants_reminder"]
        told = self.data.get("told_ore", "")
        if wants and told and told != str(self.reminder.ore):
            raise forms.ValidationError(OTHER_PRICE)
        return wants
