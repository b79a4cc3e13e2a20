"""What patients fill in when they ask for an urgent time."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from services.access.queries import ProviderChoice
from services.booking.choices import REMINDER_PRICE
from services.booking.forms import ReasonField


class AskForm(forms.Form):
    """With whom, why, and whether to be reminded."""

    providers = forms.TypedMultipleChoiceField(
        label=_("With whom?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose nobody if anyone will do: then the chance is greatest."),
        error_messages={"invalid_choice": _("You can't ask for this provider any more. Choose again.")},
    )
    reason = ReasonField(help_text=_("A few words are enough. The clinic reads them only if you get a time."))
    wants_reminder = forms.BooleanField(required=False)

    def __init__(
        self, *args: Any, choices: Iterable[ProviderChoice], asks_for_reminder: bool, **kwargs: Any
    ) -> None:
        """Take who can be asked for, and whether the patient can choose a reminder."""
        super().__init__(*args, **kwargs)
        self.fields["providers"].choices = [(one.provider_id, one.name) for one in choices]  # type: ignore[attr-defined]
        if asks_for_reminder:
            self.fields["wants_reminder"].label = _("Remind me by SMS, %(price)s") % {"price": REMINDER_PRICE}
        else:
            del self.fields["wants_reminder"]
