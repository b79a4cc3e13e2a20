"""Which ways of signing in a clinic offers."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class SignInMethodsForm(forms.Form):
    """A tick for each way that the installation has for the clinic's country."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=500, required=False)
    providers = forms.MultipleChoiceField(
        label=_("How patients sign in"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Leave at least one on, or no patient can sign in.")},
    )

    def __init__(self, *args: Any, ways: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["providers"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list(ways)
