"""Shape of what the pages of special rights send."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.models import Provider
from patients.search import MOST_WORDS, folded
from patients.staff_queries import PER_PAGE
from portal.field_words import OLD_PAGE
from services.access.choices import Approval, Right
from services.access.policy import SpecialRights
from services.access.special_choices import PatientType, Standing
from services.access.special_queries import APPROVAL, EDITED, LISTED, Filter, Standard, word

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABELS = {
    "booking": _("Booking, also urgent times"),
    APPROVAL: _("What the patient books"),
    "cancelling": _("Cancelling booked times"),
    "consultation": _("e-Consultation"),
    "renewal": _("Prescription renewal"),
}
_LETTERS = {None: "-", True: "y", False: "n", Approval.BY_HAND: "h", Approval.AUTOMATIC: "a"}
_VALUES: dict[str, Any] = {letter: value for value, letter in _LETTERS.items()}


def encoded(special: SpecialRights) -> str:
    """Return the rights in five letters, for the hidden field that tells what the page showed."""
    return "".join(_LETTERS[getattr(special, name)] for name in EDITED)


class SpecialRightsForm(forms.Form):
    """Each right as standard, yes or no, with what the standard says beside it."""

    seen = forms.RegexField(
        r"^[-yn][-ha][-yn]{3}$", widget=forms.HiddenInput, error_messages={"invalid": OLD_PAGE}
    )

    def __init__(
        self,
        *args: Any,
        standards: tuple[Standard, ...],
        special: SpecialRights,
        may_save: bool,
        shown: SpecialRights | None = None,
        **kwargs: Any,
    ) -> None:
        """Take what is stored, and what to show in its place if that is something else."""
        initial = {"seen": encoded(special)} | {
            name: _chosen(getattr(shown or special, name)) for name in EDITED
        }
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        for standard in standards:
            own = (
                Approval.choices
                if standard.name == APPROVAL
                else [
                    (Standing.YES.value, Standing.YES.label),
                    (Standing.NO.value, Standing.NO.label),
                ]
            )
            self.fields[standard.name] = forms.ChoiceField(
                label=_LABELS[standard.name],
                choices=[(Standing.STANDARD.value, _as_standard(standard)), *own],
                widget=forms.RadioSelect,
                help_text=_("Standard: %(sentence)s.") % {"sentence": standard.sentence.rstrip(".")},
                error_messages={"required": _("Choose one.")},
                disabled=not may_save,
            )

    @property
    def special(self) -> SpecialRights:
        """Return what was chosen."""
        values: dict[str, Any] = {name: _value(name, self.cleaned_data[name]) for name in EDITED}
        return SpecialRights(**values)

    @property
    def shown(self) -> SpecialRights:
        """Return what the page showed when it was opened."""
        letters = zip(EDITED, self.cleaned_data["seen"], strict=True)
        return SpecialRights(**{name: _VALUES[letter] for name, letter in letters})

    def rows(self) -> list[forms.BoundField]:
        """Return the fields that are seen."""
        return [self[name] for name in EDITED]


def _as_standard(standard: Standard) -> str:
    if standard.value is None:
        return str(Standing.STANDARD.label)
    return str(_("As standard (%(value)s)") % {"value": word(standard.value).lower()})


def _chosen(value: bool | Approval | None) -> str:
    if value is None:
        return Standing.STANDARD.value
    if isinstance(value, Approval):
        return value.value
    return Standing.YES.value if value else Standing.NO.value


def _value(name: str, chosen: str) -> bool | Approval | None:
    if chosen == Standing.STANDARD:
        return None
    return Approval(chosen) if name == APPROVAL else chosen == Standing.YES


class FilterForm(forms.Form):
    """Which exceptions to show (000 §3.1)."""

    q = forms.CharField(
        label=_("Name"), required=False, max_length=80, widget=forms.TextInput(attrs={"type": "search"})
    )
    provider = forms.ChoiceField(
        label=_("Seen from"),
        required=False,
        error_messages={"invalid_choice": _("Choose one of the clinic's providers.")},
    )
    type = forms.MultipleChoiceField(
        label=_("Patients"),
        required=False,
        choices=PatientType.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    right = forms.MultipleChoiceField(
        label=_("Service"),
        required=False,
        choices=[(right.value, right.label) for right in LISTED],
        widget=forms.CheckboxSelectMultiple,
    )

    having = forms.ChoiceField(
        label=_("Which way"),
        required=False,
        choices=[
            ("", _("More or less than the standard")),
            (Standing.YES.value, _("Has it by itself")),
            (Standing.NO.value, _("Does not have it")),
        ],
    )

    def __init__(self, *args: Any, providers: list[Provider], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Everyone")), *((str(provider.pk), provider.name) for provider in providers)]

    def clean_q(self) -> str:
        """Return the name, without what is no name: a number has no place in an address."""
        text: str = self.cleaned_data["q"]
        if any(character.isdigit() for character in text):
            raise forms.ValidationError(
                _("Search by name here. By number you find the patient in the list of patients.")
            )
        return text

    @property
    def chosen(self) -> Filter:
        """Return what was asked for; what makes no sense counts as not asked."""
        data = self.cleaned_data
        return Filter(
            provider_id=int(data["provider"]) if data.get("provider") else None,
            types=frozenset(PatientType(kind) for kind in data.get("type", ())),
            rights=frozenset(Right(right) for right in data.get("right", ())),
            having={Standing.YES.value: True, Standing.NO.value: False}.get(data.get("having", "")),
            words=tuple(folded(data.get("q", "")).split()[:MOST_WORDS]),
        )


class ResetForm(forms.Form):
    """Who goes back to the standard: the chosen patients, or all that the filter shows."""

    everyone = forms.BooleanField(required=False)
    sure = forms.BooleanField(required=False)
    number = forms.IntegerField(required=False, min_value=0, max_value=10**9)

    @property
    def patient_ids(self) -> list[UUID]:
        """Return the ids that were chosen; what is none is left out, and a page never holds more."""
        sent = self.data.getlist("patient") if hasattr(self.data, "getlist") else []
        return [UUID(text) for text in sent[:PER_PAGE] if _UUID.fullmatch(text)]
