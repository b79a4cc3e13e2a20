"""A day of the calendar in a form: written as people write it, and never so far away that no clock knows it."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y"]
"""What the browser sends, and what people write where it has no calendar to choose from."""


class DayField(forms.DateField):
    """A day between 1900 and 2199. The limits stand on the field, and the message says them."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "date", "min": EARLIEST.isoformat(), "max": LATEST.isoformat()}
        too_far = _("Write a year between 1900 and 2199.")
        messages = {
            "invalid": _("Write a date, as in 24.12.2026."),
            "min_value": too_far,
            "max_value": too_far,
        } | kwargs.pop("error_messages", {})
        super().__init__(
            input_formats=_FORMATS,
            widget=forms.DateInput(attrs=limits, format="%Y-%m-%d"),
            error_messages=messages,
            **kwargs,
        )
        self.validators += [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
