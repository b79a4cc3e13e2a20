"""What is asked of the logs."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from identity.national_id import BadNationalId
from services.reports import policy
from services.reports.choices import ChangeKind

_DAY_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y"]
PORTAL_ITSELF = "portal"
"""Stands for nobody in the list of people: what the product does by itself."""


class SearchForm(forms.Form):
    """Part of a name, a birth date, or a national ID; the last one is why the form is posted."""

    text = forms.CharField(
        label=_("Name, date of birth or national ID"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )

    @property
    def is_national_id(self) -> bool:
        """Return whether a national ID was written, right or wrong."""
        return policy.looks_like_national_id(self.cleaned_data["text"])

    def refuse(self, bad: BadNationalId) -> None:
        """Say by the field what is wrong with the national ID."""
        self.add_error("text", str(bad.message))

    def refuse_stranger(self) -> None:
        """Say that nobody here has the national ID."""
        self.add_error(
            "text", _("No patient of the clinic has this national ID. Check it, or search for the name.")
        )


class ChangesForm(forms.Form):
    """Which changes: of what, by whom, between which days."""

    kind = forms.ChoiceField(
        label=_("Changes of"), required=False, choices=[("", _("Everything")), *ChangeKind.choices]
    )
    person = forms.ChoiceField(label=_("By"), required=False)
    since = forms.DateField(
        label=_("From"),
        required=False,
        input_formats=_DAY_FORMATS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Write a date, as in 24.12.2026.")},
    )
    until = forms.DateField(
        label=_("Up to and including"),
        required=False,
        input_formats=_DAY_FORMATS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Write a date, as in 24.12.2026.")},
    )

    def __init__(self, *args: Any, staff: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(user_id), name) for user_id, name in staff]
        self.fields["person"].choices = [  # type: ignore[attr-defined]
            ("", _("Everybody")),
            *people,
            (PORTAL_ITSELF, _("The portal or its vendor")),
        ]

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day can't be before the first day."))
        return cleaned
