"""What is asked of the logs."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.search_form import SearchForm
from portal.day_field import DayField
from services.reports.choices import ChangeKind
from services.reports.queries import Colleague

PORTAL_ITSELF = "portal"
"""Stands for nobody in the list of people: what the product does by itself."""


class LogSearchForm(SearchForm):
    """Whose line of the log; a full number that nobody here has is said to be one."""

    def refuse_stranger(self) -> None:
        """Say that nobody here has the number."""
        self.add_error("q", _("No patient of the clinic has this number. Check it, or search for the name."))


class ChangesForm(forms.Form):
    """Which changes: of what, by whom, between which days."""

    kind = forms.ChoiceField(
        label=_("Changes of"), required=False, choices=[("", _("Everything")), *ChangeKind.choices]
    )
    person = forms.ChoiceField(label=_("By"), required=False)
    since = DayField(
        label=_("From"),
        required=False,
    )
    until = DayField(
        label=_("Up to and including"),
        required=False,
    )

    def __init__(self, *args: Any, staff: Sequence[Colleague], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(one.user_id), one.name) for one in staff]
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
