"""Shape of what the staff's pages about patients send."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients import search
from patients.search import BadSearch, Wanted


class SearchForm(forms.Form):
    """One box for whatever is known of the patient."""

    q = forms.CharField(
        label=_("Name, birth date, mobile or national ID"),
        required=False,
        strip=True,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, country: str, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country, self.today, self.wanted = country, today, Wanted()

    def clean_q(self) -> str:
        """Read the text; `wanted` is then whom it asks for."""
        text: str = self.cleaned_data["q"]
        try:
            self.wanted = search.parse(text, country=self.country, today=self.today)
        except BadSearch as bad:
            raise forms.ValidationError(bad.sentence) from None
        return text


class PortalAccessForm(forms.Form):
    """Take the portal from the patient, or give it back."""

    act = forms.ChoiceField(choices=[("withdraw", ""), ("give-back", "")])
    sure = forms.BooleanField(required=False)
