"""What administrators fill in about the clinic."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from clinic_admin import code_countries, policy
from clinic_admin.choices import ClinicRefusal, Country, SelfRegistration, Weekday
from clinic_admin.policy import ClinicSettings, OpenPeriod
from portal import phone_numbers
from portal.day_field import DayField
from portal.phone_numbers import BadPhoneNumber

_CLOCK_FORMATS = ["%H:%M", "%H.%M", "%H:%M:%S"]
_POSTCODE = RegexValidator(r"\A\d{4}\Z", _("A postcode has four digits."))
_FEWEST_PERIODS = 2


def _clock(label: Any, **more: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        input_formats=_CLOCK_FORMATS,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("Write a time of day, as in 08:00.")},
        **more,
    )


def _figures() -> forms.TextInput:
    """Return where a number is written. A browser's own field for numbers sends nothing for "1,50" or "two": what was
    typed would be lost, and nothing may mean something here.
    """
    return forms.TextInput(attrs={"inputmode": "decimal", "maxlength": 12, "size": 8})


class CrownsField(forms.DecimalField):
    """An amount of money: written in crowns with comma or point, kept in hundredths."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(decimal_places=2, widget=_figures(), localize=True, **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return crowns; a comma is a point, and spaces are none."""
        typed = "".join(value.split()).replace(",", ".") if isinstance(value, str) else value
        return super().to_python(typed)

    def prepare_value(self, value: Any) -> Any:
        """Return crowns of what is stored; what was typed stays as it is."""
        if not isinstance(value, int):
            return value
        crowns = Decimal(value) / 100
        return crowns.quantize(Decimal(1)) if value % 100 == 0 else crowns.quantize(Decimal("0.01"))

    def clean(self, value: Any) -> Any:
        """Return hundredths, None for an empty field."""
        crowns = super().clean(value)
        return None if crowns is None else int(crowns * 100)


_GROUPS: list[tuple[str, Any, tuple[str, ...]]] = [
    ("urgent", _("Urgent times"), ("urgent_release_at", "draws_urgent", "draw_minutes")),
    ("reminders", _("SMS reminders"), ("reminds_everyone", "reminder_hours_ahead", "sms_ore")),
    (
        "booking",
        _("Booking, cancelling and moving"),
        ("cancel_notice_hours", "most_upcoming", "most_urgent"),
    ),
    ("earlier", _("Earlier times"), ("offers_earlier", "earlier_minutes")),
    ("registration", _("Registration"), ("self_registration", "requires_own_gp", "books_without_account")),
    ("codes", _("Codes by SMS"), ("code_countries",)),
    ("consultation", _("e-Consultation"), ("longest_question", "requires_eid_for_consultation")),
    (
        "address",
        _("Name and address"),
        ("name", "street", "postcode", "city", "phone", "out_of_hours_phone", "email"),
    ),
]


OUT_OF_HOURS_HELP = {
    Country.NORWAY: _("Shown to patients for when the clinic is closed. Empty: they see 116117."),
    Country.DENMARK: _(
        "Shown to patients for when the clinic is closed. Empty: they are told to phone their region's doctor."
    ),
}

PHONES = ("phone", "out_of_hours_phone")
"""Settings that are phone numbers: stored as E.164, shown as people write them."""


class SettingsForm(forms.Form):
    """The clinic's address and how its portal behaves (000 §2.2)."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)
    name = forms.CharField(label=_("Name"), max_length=120)
    street = forms.CharField(label=_("Street"), max_length=120, required=False)
    postcode = forms.CharField(label=_("Postcode"), max_length=10, required=False, validators=[_POSTCODE])
    city = forms.CharField(label=_("Town"), max_length=60, required=False)
    phone = forms.CharField(
        label=_("Phone"),
        max_length=phone_numbers.LONGEST,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
        help_text=_("Shown to patients wherever they can't go on by themselves."),
    )
    out_of_hours_phone = forms.CharField(
        label=_("Phone of the out-of-hours doctor"),
        max_length=phone_numbers.LONGEST,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_("For messages to the clinic. Patients never see it."),
    )
    urgent_release_at = _clock(
        _("Urgent times open the day before at"),
        help_text=_("From this hour patients can book the next day's urgent times."),
    )
    draws_urgent = forms.BooleanField(
        label=_("Draw urgent times instead of first come, first served"),
        required=False,
        help_text=_(
            "From that hour on patients ask for a time, and lots are drawn among them. Anyone can check the draw afterwards."
        ),
    )
    draw_minutes = forms.IntegerField(
        widget=_figures(),
        label=_("Minutes in which patients can ask before the draw"),
        min_value=policy.FEWEST_DRAW_MINUTES,
        max_value=policy.MOST_DRAW_MINUTES,
        help_text=_("Counts only where urgent times are drawn."),
    )
    cancel_notice_hours = forms.IntegerField(
        widget=_figures(),
        label=_("Hours before the appointment until which patients can cancel or move it"),
        min_value=0,
        max_value=policy.MOST_NOTICE_HOURS,
        help_text=_("0: until it begins. After that they are asked to phone."),
    )
    most_upcoming = forms.IntegerField(
        widget=_figures(),
        label=_("Most coming appointments of a patient"),
        min_value=1,
        max_value=policy.MOST_LIMIT,
        required=False,
        help_text=_("Of those booked online. Empty: any number."),
    )
    most_urgent = forms.IntegerField(
        widget=_figures(),
        label=_("Most coming urgent appointments of a patient"),
        min_value=1,
        max_value=policy.MOST_LIMIT,
        required=False,
        help_text=_("Of those booked online. Empty: any number."),
    )
    offers_earlier = forms.BooleanField(
        label=_("May patients wait for an earlier time?"),
        required=False,
        help_text=_(
            "A time that comes free is held and offered by SMS and e-mail to one patient at a time, in the order in which "
            "they joined."
        ),
    )
    earlier_minutes = forms.IntegerField(
        widget=_figures(),
        label=_("Minutes that an offered time is held"),
        min_value=policy.FEWEST_OFFER_MINUTES,
        max_value=policy.MOST_OFFER_MINUTES,
        help_text=_("Shorter when the time is near. From 21 to 7 nobody is told; the minutes count from 7."),
    )
    reminds_everyone = forms.BooleanField(
        label=_("Remind every portal patient by SMS"),
        required=False,
        help_text=_("The clinic pays. Otherwise each patient chooses, and pays."),
    )
    reminder_hours_ahead = forms.IntegerField(
        widget=_figures(),
        label=_("Hours between reminder and appointment"),
        min_value=policy.FEWEST_REMINDER_HOURS,
        max_value=policy.MOST_REMINDER_HOURS,
    )
    sms_ore = CrownsField(
        label=_("What an SMS costs the patient, in crowns"),
        min_value=0,
        max_value=policy.DEAREST_SMS,
        required=False,
        help_text=_(
            "Of reminders and codes that patients ask for, with two decimals at most. Empty: 1. It is stated beside every "
            "choice; the portal charges nobody, that is yours."
        ),
    )
    longest_question = forms.IntegerField(
        widget=_figures(),
        label=_("Longest question in an e-consultation, in characters"),
        min_value=policy.SHORTEST_QUESTION_LIMIT,
        max_value=policy.LONGEST_QUESTION_LIMIT,
    )
    requires_eid_for_consultation = forms.BooleanField(
        label=_("e-Consultations need BankID or MitID"),
        required=False,
        help_text=_("Otherwise signing in with a one-time code is enough."),
    )

    self_registration = forms.ChoiceField(
        label=_("May patients register themselves?"),
        choices=SelfRegistration.choices,
        help_text=_("Whoever registers proves with eID who they are. Automatic approval needs eID to be on."),
    )
    requires_own_gp = forms.BooleanField(
        label=_("Approve automatically only the patients of the clinic's own GPs"),
        required=False,
        help_text=_("Everyone else waits in the inbox until you decide."),
    )
    books_without_account = forms.BooleanField(
        label=_("May people book without an account?"),
        required=False,
        help_text=_(
            "They ask for a time with name, national ID and a code to their mobile; you approve each. They see the times "
            "of providers whom “all other active patients” may book."
        ),
    )

    code_countries = forms.MultipleChoiceField(
        label=_("Codes also go to mobiles of these countries"),
        choices=code_countries.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "cards"}),
        help_text=_(
            "Norwegian and Danish mobiles always get them. Messages abroad cost more: tick only what your patients need. "
            "Fixed lines and premium numbers never get any."
        ),
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        self.fields["out_of_hours_phone"].help_text = OUT_OF_HOURS_HELP[Country(country)]

    @classmethod
    def of(cls, settings: ClinicSettings, country: str) -> "SettingsForm":
        """Return the form filled in with what is stored, the phone as people write it."""
        initial = {field.name: getattr(settings, field.name) for field in fields(settings)}
        initial |= {name: phone_numbers.as_people_write(initial[name], country) for name in PHONES}
        return cls(initial=initial | {"seen": policy.settings_token(settings)}, country=country)

    @property
    def groups(self) -> list[tuple[str, Any, list[forms.BoundField]]]:
        """Return the parts of the page, in the order of 000 §2.2: id, title, fields."""
        return [(anchor, title, [self[name] for name in names]) for anchor, title, names in _GROUPS]

    def clean_phone(self) -> str:
        """Return the phone as E.164, or empty."""
        text: str = self.cleaned_data["phone"]
        if not text:
            return ""
        try:
            return phone_numbers.parse_phone(text, self.country)
        except BadPhoneNumber as bad:
            raise forms.ValidationError(str(bad.message), code=bad.reason.value) from None

    def clean_out_of_hours_phone(self) -> str:
        """Return the phone as E.164, a short number as its digits, or empty."""
        text: str = self.cleaned_data["out_of_hours_phone"]
        if not text:
            return ""
        try:
            return phone_numbers.parse_public_phone(text, self.country)
        except BadPhoneNumber as bad:
            raise forms.ValidationError(str(bad.message), code=bad.reason.value) from None

    def clean_code_countries(self) -> list[str]:
        """Return the codes in one order, so that the same ticks are the same setting."""
        chosen: list[str] = self.cleaned_data["code_countries"]
        return sorted(chosen)

    def settings(self) -> ClinicSettings:
        """Return what a valid form says."""
        return ClinicSettings(
            **{field.name: self.cleaned_data[field.name] for field in fields(ClinicSettings)}
        )


class HoursForm(forms.Form):
    """The week's opening hours: for each day one or more pairs of times, each pair whole or empty."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)

    def __init__(self, *args: Any, stored: Sequence[OpenPeriod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest = max((sum(p.weekday == day for p in stored) for day in Weekday.values), default=0)
        self.numbers = range(1, max(_FEWEST_PERIODS, longest) + 1)
        for day in Weekday:
            for number in self.numbers:
                self.fields[f"opens_{day}_{number}"] = self._field(day, number, _("opens"))
                self.fields[f"closes_{day}_{number}"] = self._field(day, number, _("closes"))

    @classmethod
    def of(cls, stored: Sequence[OpenPeriod]) -> "HoursForm":
        """Return the form filled in with the stored hours."""
        initial: dict[str, time | str] = {"seen": policy.hours_token(stored)}
        for day in Weekday:
            for number, period in enumerate((p for p in stored if p.weekday == day), start=1):
                initial[f"opens_{day}_{number}"] = period.opens_at
                initial[f"closes_{day}_{number}"] = period.closes_at
        return cls(initial=initial, stored=stored)

    @property
    def days(self) -> Iterable[tuple[Any, list[tuple[forms.BoundField, forms.BoundField]]]]:
        """Yield each weekday's name with its pairs of fields, in order."""
        for day in Weekday:
            yield (
                day.label,
                [(self[f"opens_{day}_{number}"], self[f"closes_{day}_{number}"]) for number in self.numbers],
            )

    def clean(self) -> dict[str, Any]:
        """Collect the periods, and tell what is wrong by the field where it is."""
        self.periods: list[OpenPeriod] = []
        for day in Weekday:
            of_day: list[OpenPeriod] = []
            for number in self.numbers:
                of_day += self._period(day, number, of_day)
            self.periods += of_day
        return self.cleaned_data

    def _period(self, day: Weekday, number: int, earlier: Sequence[OpenPeriod]) -> list[OpenPeriod]:
        """Return the pair as no or one period, or put an error by its field."""
        opens, closes = f"opens_{day}_{number}", f"closes_{day}_{number}"
        if opens in self.errors or closes in self.errors:
            return []
        opens_at, closes_at = self.cleaned_data.get(opens), self.cleaned_data.get(closes)
        if opens_at is None and closes_at is None:
            return []
        if opens_at is None or closes_at is None:
            self.add_error(opens if opens_at is None else closes, str(_("Write both times, or none.")))
            return []
        period = OpenPeriod(day.value, opens_at, closes_at)
        refusal = policy.hours_refusal([*earlier, period])
        if refusal is not None:
            self.add_error(
                closes if refusal is ClinicRefusal.HOURS_OUT_OF_ORDER else opens, str(refusal.label)
            )
            return []
        return [period]

    @staticmethod
    def _field(day: Weekday, number: int, what: Any) -> forms.TimeField:
        label = f"{day.label}, {what}" if number == 1 else f"{day.label}, {what} ({number})"
        return _clock(label, required=False)


class IdentifierForm(forms.Form):
    """Where the portal is, and the vendor's password of the day (000 §2.1)."""

    identifier = forms.CharField(
        label=_("New portal identifier"),
        max_length=60,
        help_text=_("Small letters a-z, digits and single hyphens, as in “sentrum-legekontor”."),
    )
    password = forms.CharField(
        label=_("Today's password from the vendor"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Phone the vendor for it. It is valid today only."),
    )


class PlainText(forms.CharField):
    """A text of several lines; a line's end counts as one character, however the browser sends it."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        """Return the text with plain line ends and no space around it."""
        return (super().to_python(str(value).replace("\r\n", "\n")) or "") if value else ""


class TextForm(forms.Form):
    """A text that the clinic writes, and the version that the page was made from."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2_147_483_647, required=False)
    body = PlainText(label=_("Text"), required=False, max_length=policy.LONGEST_TEXT)

    def __init__(self, *args: Any, is_signature: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_signature:
            self.fields["body"] = PlainText(
                label=_("Signature"),
                required=False,
                max_length=policy.LONGEST_SIGNATURE,
                widget=forms.Textarea(attrs={"rows": 4}),
            )


class SearchForm(forms.Form):
    """What someone looks for among the settings."""

    q = forms.CharField(label=_("Search settings"), max_length=80, required=False)


class ClosureForm(forms.Form):
    """Days on which the whole clinic is closed."""

    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"))
    reason = forms.CharField(
        label=_("Why"), max_length=120, required=False, help_text=_("As in “Christmas”. Staff see it.")
    )


def disable(*shown: forms.Form) -> None:
    """Show the forms to someone who may only look."""
    for form in shown:
        for field in form.fields.values():
            field.disabled = True
