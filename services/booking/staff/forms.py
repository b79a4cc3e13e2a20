"""What the staff's pages take in."""

from datetime import date

from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from services.booking.policy import LONGEST_REFUSAL_WORDS

YEARS_EITHER_WAY = 5
WORKING_DAYS, ALL_DAYS = 5, 7
"""Lengths of a week in the calendar."""


def numbers(words: list[str]) -> list[int]:
    """Return those of the words that are numbers: which providers an address names."""
    return [int(word) for word in words if word.isascii() and word.isdigit()]


class DayForm(forms.Form):
    """Which day of the calendar. An empty field means today."""

    day = forms.DateField(
        label=_("Day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("That is not a day of the calendar.")},
    )

    def __init__(self, *args: object, today: date, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.today = today

    @property
    def first(self) -> date:
        """Return the first day that the calendar shows."""
        return date(self.today.year - YEARS_EITHER_WAY, 1, 1)

    @property
    def last(self) -> date:
        """Return the last day that the calendar shows."""
        return date(self.today.year + YEARS_EITHER_WAY, 12, 31)

    def clean_day(self) -> date:
        """Return the day, today when none is given."""
        day: date = self.cleaned_data["day"] or self.today
        if not self.first <= day <= self.last:
            raise forms.ValidationError(_("That day is too far away."))
        return day


class Decision(TextChoices):
    """What staff can answer to a request."""

    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")


class Back(TextChoices):
    """The page from which a request was decided, and to which one returns."""

    CALENDAR = "calendar"
    WEEK = "week"
    WAITING = "waiting"
    APPOINTMENT = "appointment"


class DecisionForm(forms.Form):
    """The answer to a request, and where it was given."""

    decision = forms.ChoiceField(choices=Decision.choices)
    back = forms.ChoiceField(choices=Back.choices, required=False)
    words = forms.CharField(
        label=_("To the patient"),
        required=False,
        max_length=LONGEST_REFUSAL_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why, or what to do instead. The patient reads it after signing in."),
    )
    """Counts only when the request is refused."""

    def clean_words(self) -> str:
        """Return the text with plain line ends."""
        words: str = self.cleaned_data["words"]
        return words.replace("\r\n", "\n")

    def clean_back(self) -> Back:
        """Return the page, the list of requests when none is said."""
        return Back(self.cleaned_data["back"] or Back.WAITING)


class AnswerForm(forms.Form):
    """What to do about one appointment; the version is the one that the page showed."""

    answer = forms.ChoiceField(choices=[(name, name) for name in ("move", "keep", "tell")])
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    slot = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
