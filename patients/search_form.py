"""One box for whatever is known of a patient. It is posted: numbers never stand in an address."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients import search
from patients.search import BadSearch, Wanted


class SearchForm(forms.Form):
    """Name, birth date, mobile or national ID. `wanted` says, once the form is clean, whom it asks for."""

    q = forms.CharField(
        label=_("Name, birth date, mobile or national ID"),
        required=False,
        strip=True,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Write whom you look for.")},
    )

    def __init__(
        self, *args: Any, country: str, today: date, is_required: bool = False, **kwargs: Any
    ) -> None:
        """Take the clinic's country and local day, which numbers and dates are read by."""
        super().__init__(*args, **kwargs)
        self.country, self.today, self.wanted = country, today, Wanted()
        self.fields["q"].required = is_required

    def clean_q(self) -> str:
        """Read the text; `wanted` is then whom it asks for."""
        text: str = self.cleaned_data["q"]
        try:
            self.wanted = search.parse(text, country=self.country, today=self.today)
        except BadSearch as bad:
            raise forms.ValidationError(bad.sentence) from None
        return text
