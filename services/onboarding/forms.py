"""Shape of what the pages of staff send. Each step of the wizard gives what is stored of it as plain values."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import ProviderKind, Role, Service, Weekday
from clinic_admin.models import Clinic, Provider, StaffMember
from clinic_admin.policy import LONGEST_SIGNATURE
from portal.day_field import DayField
from services.access.choices import Column
from services.access.forms import ColumnForm, PortalAccessForm
from services.booking.choices import SlotKind
from services.booking.weekly import policy as template_policy
from services.booking.weekly.policy import FEWEST_MINUTES, MOST_MINUTES, WeekBlock
from services.onboarding import queries
from services.onboarding.choices import Calendar, StaffRefusal, Step
from services.onboarding.policy import OTHERS, OWN, Box, Told, Week

_CLOCKS = ["%H:%M", "%H.%M", "%H:%M:%S"]
_ROLE_WORDS = {
    Role.ASSISTANT: _("Sees the calendar and answers requests"),
    Role.PROVIDER: _("Sees patients"),
    Role.CLINIC_ADMINISTRATOR: _("May change all settings of the clinic"),
    Role.SYSTEM_ADMINISTRATOR: _("May also choose who gets messages"),
}


def _role_choices(*, with_system: bool) -> list[tuple[str, Any]]:
    return [
        (role.value, f"{role.label}: {_ROLE_WORDS[role].lower()}")
        for role in Role
        if with_system or role is not Role.SYSTEM_ADMINISTRATOR
    ]


class _Clock(forms.TimeField):
    def __init__(self, label: Any, needed: Any = None) -> None:
        """Make a clock time; `needed` is the sentence when it is left out, without one it may be left out."""
        super().__init__(
            label=label,
            required=needed is not None,
            input_formats=_CLOCKS,
            widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            error_messages={"invalid": _("Write a time of day, as in 08:00."), "required": needed},
        )


class _Day(DayField):
    def __init__(self, label: Any, **more: Any) -> None:
        needed = {"required": _("Write a date, as in 24.12.2026.")}
        super().__init__(label=label, error_messages=needed, **more)


class RolesForm(forms.Form):
    """What a person who works here may do."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": StaffRefusal.NO_ROLE.label},
    )
    seen = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    """The roles that the page was made from."""

    def __init__(self, *args: Any, may_save: bool, with_system: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.MultipleChoiceField, self.fields["roles"])
        field.choices = _role_choices(with_system=with_system)
        field.disabled = not may_save

    def chosen(self) -> list[Role]:
        """Return the roles of a valid form."""
        return [Role(name) for name in self.cleaned_data["roles"]]


class LeaveForm(forms.Form):
    """When someone leaves, and whose list their patients move to."""

    last_day = _Day(
        _("Last day at work"),
        help_text=_("Choose today for someone who has left: then everything happens at once."),
    )
    successor = forms.TypedChoiceField(
        label=_("The patients on the list"), coerce=int, empty_value=None, required=False
    )

    messages_to = forms.TypedChoiceField(
        label=_("Messages that are delegated to this person"), coerce=int, empty_value=None, required=False
    )

    def __init__(
        self,
        *args: Any,
        successors: Iterable[Provider],
        colleagues: Iterable[StaffMember],
        patients: int,
        may_save: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._names = {one.pk: one.name for one in successors}
        for each in self.fields.values():
            each.disabled = not may_save
        field = cast(forms.ChoiceField, self.fields["successor"])
        field.choices = [
            ("", _("Have no GP here afterwards")),
            *((str(pk), _("Move to %(name)s") % {"name": name}) for pk, name in self._names.items()),
        ]
        field.error_messages["invalid_choice"] = StaffRefusal.NO_SUCCESSOR.label
        if not patients:
            del self.fields["successor"]
        self._colleagues = {one.pk: one.name for one in colleagues}
        recipients = cast(forms.ChoiceField, self.fields["messages_to"])
        recipients.choices = [
            ("", _("Go to everyone again")),
            *((str(pk), _("Go to %(name)s") % {"name": name}) for pk, name in self._colleagues.items()),
        ]
        recipients.error_messages["invalid_choice"] = StaffRefusal.NO_COLLEAGUE.label
        if not self._colleagues:
            del self.fields["messages_to"]

    def successor_name(self) -> str:
        """Return whose list the patients move to; empty for nobody's."""
        return self._names.get(self.cleaned_data.get("successor") or 0, "")

    def colleague_name(self) -> str:
        """Return who gets the delegated messages; empty for everyone."""
        return self._colleagues.get(self.cleaned_data.get("messages_to") or 0, "")


# -- the wizard's steps ------------------------------------------------------------------------------------
class StepForm(forms.Form):
    """A step that is one form."""

    def stored(self) -> dict[str, Any]:
        """Return what a valid form says, as it is stored."""
        return dict(self.cleaned_data)

    def disable(self) -> None:
        """Show it to someone who can't save."""
        for field in self.fields.values():
            field.disabled = True

    def problems(self) -> list[forms.Form]:
        """Return the forms whose errors the page sums up."""
        return [self]


class RoleForm(StepForm):
    """Who it is, and what they do here."""

    name = forms.CharField(label=_("Name"), max_length=120)
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": StaffRefusal.NO_ROLE.label},
    )
    is_provider = forms.BooleanField(
        label=_("Patients can book or write to this person"),
        required=False,
        help_text=_("Doctors, interns, nurses. Tick it, and fill in the three below."),
    )
    kind = forms.ChoiceField(
        label=_("What patients read behind the name"),
        choices=[("", "–"), *ProviderKind.choices],
        error_messages={"required": _("Choose what patients read.")},
    )
    initials = forms.CharField(
        label=_("Initials"),
        max_length=5,
        help_text=_("At most five letters, as in MK."),
        error_messages={"required": _("Write the initials of this person.")},
    )
    has_patient_list = forms.BooleanField(label=_("Has a patient list of their own"), required=False)

    def __init__(self, *args: Any, clinic: Clinic, with_system: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clinic = clinic
        field = cast(forms.MultipleChoiceField, self.fields["roles"])
        field.choices = _role_choices(with_system=with_system)
        if self.is_bound and not self["is_provider"].value():
            self.fields["kind"].required = self.fields["initials"].required = False

    def clean_initials(self) -> str:
        """Return them in the way they are stored; refuse another provider's."""
        initials = str(self.cleaned_data["initials"]).strip()
        if initials and initials.upper() in queries.initials_taken(self._clinic):
            raise forms.ValidationError(StaffRefusal.INITIALS_TAKEN.label)
        return initials


class CalendarForm(StepForm):
    """The first weekly calendar."""

    how = forms.ChoiceField(
        label=_("Weekly calendar"), choices=Calendar.choices, widget=forms.RadioSelect, initial=Calendar.WEEK
    )
    first_day = _Day(_("First day"))
    weekdays = forms.MultipleChoiceField(
        label=_("Days"),
        choices=Weekday.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day.")},
    )
    starts_at = _Clock(_("From"), _("Write when the first patient can come."))
    ends_at = _Clock(_("Until"), _("Write when the last time ends."))
    pause_from = _Clock(_("Pause from"))
    pause_until = _Clock(_("Pause until"))
    minutes = forms.IntegerField(
        label=_("Minutes for each patient"),
        min_value=FEWEST_MINUTES,
        max_value=MOST_MINUTES,
        initial=15,
        error_messages={"required": _("Write how long a time is.")},
    )
    copy_from = forms.TypedChoiceField(
        label=_("Whose weekly calendar"),
        coerce=int,
        empty_value=None,
        error_messages={"required": _("Choose whose weekly calendar to copy.")},
    )

    def __init__(self, *args: Any, clinic: Clinic, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        known = queries.calendars_to_copy(clinic, today)
        cast(forms.ChoiceField, self.fields["copy_from"]).choices = [("", "–"), *known]
        if not known:
            how = cast(forms.ChoiceField, self.fields["how"])
            how.choices = [choice for choice in Calendar.choices if choice[0] != Calendar.COPY]
            del self.fields["copy_from"]
        if self.is_bound:
            self._ask_only_for(self["how"].value())

    def _ask_only_for(self, how: str) -> None:
        """Require what the chosen way needs, and nothing else."""
        needed = {
            Calendar.WEEK: {"first_day", "weekdays", "starts_at", "ends_at", "minutes"},
            Calendar.COPY: {"first_day", "copy_from"},
        }.get(how, set())  # type: ignore[call-overload]
        for name in self.fields.keys() - {"how"}:
            self.fields[name].required = name in needed

    def clean(self) -> dict[str, Any]:
        """Refuse a first day that is over, and hours that don't make whole times."""
        words = super().clean() or {}
        how = words.get("how")
        if how != Calendar.LATER and words.get("first_day") and words["first_day"] < self._today:
            self.add_error("first_day", _("The first day can't be before today."))
        if how == Calendar.WEEK:
            self._check_week(words)
        return words

    def _check_week(self, words: dict[str, Any]) -> None:
        if bool(words.get("pause_from")) != bool(words.get("pause_until")):
            self.add_error("pause_until", _("A pause needs a start and an end."))
        if self.errors:
            return
        blocks = [
            WeekBlock(*stretch, kind=SlotKind.PORTAL.value)
            for stretch in Week(
                weekdays=tuple(int(day) for day in words["weekdays"]),
                starts_at=words["starts_at"],
                ends_at=words["ends_at"],
                minutes=words["minutes"],
                pause_from=words.get("pause_from"),
                pause_until=words.get("pause_until"),
            ).stretches()
        ]
        found = list(template_policy.problems(blocks).values())
        if found:
            self.add_error("minutes" if found[0] == "does-not-divide" else "ends_at", found[0].label)

    def stored(self) -> dict[str, Any]:
        """Return days and clocks as text, and only what the chosen way needs."""
        words = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}
        for name in ("first_day", "starts_at", "ends_at", "pause_from", "pause_until"):
            if name in words:
                words[name] = words[name].isoformat()
        return words


class SignatureForm(StepForm):
    """What stands below written answers."""

    signature = forms.CharField(
        label=_("Signature"),
        max_length=LONGEST_SIGNATURE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Stands below every written answer to patients, for example name, title and clinic."),
    )


class ContactForm(StepForm):
    """How the person signs in, and what patients call them."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The person signs in with it. A link to choose a password goes there at the end."),
    )
    shown_name = forms.CharField(
        label=_("Name as patients see it"),
        max_length=120,
        required=False,
        help_text=_("Leave it empty when it is the same name."),
    )

    def __init__(self, *args: Any, clinic: Clinic, is_provider: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clinic = clinic
        if not is_provider:
            del self.fields["shown_name"]

    def clean_email(self) -> str:
        """Return it as it is stored; refuse that of someone who works, or has worked, here."""
        email = str(self.cleaned_data["email"]).strip().lower()
        if queries.has_post(self._clinic, email):
            raise forms.ValidationError(StaffRefusal.HAS_POST.label)
        return email


class ServicesStep:
    """Portal access and the columns of rights, as on the provider's own page."""

    def __init__(self, data: QueryDict | None, *, told: Mapping[str, Any], has_list: bool) -> None:
        columns: Mapping[str, Mapping[str, Any]] = told.get("columns", {})
        usual = {"approval": "by-hand"}
        self.access = PortalAccessForm(data, initial={"allowed": told.get("allowed", False)}, may_save=True)
        self.columns = [
            (
                column,
                ColumnForm(
                    data,
                    prefix=column.value,
                    initial=columns.get(column.value, usual),
                    may_save=True,
                ),
            )
            for column in Column
            if has_list or column is Column.WITHOUT_GP
        ]

    def problems(self) -> list[forms.Form]:
        """Return the forms whose errors the page sums up."""
        return [self.access, *(form for _column, form in self.columns)]

    def is_valid(self) -> bool:
        """Return whether everything can be used."""
        judged = [form.is_valid() for form in self.problems()]
        return all(judged)

    def stored(self) -> dict[str, Any]:
        """Return what valid forms say, as it is stored."""
        return {
            "allowed": self.access.cleaned_data["allowed"],
            "columns": {column.value: dict(form.cleaned_data) for column, form in self.columns},
        }

    def disable(self) -> None:
        """Show it to someone who can't save."""
        for form in self.problems():
            for field in form.fields.values():
                field.disabled = True


class DelegationsForm(StepForm):
    """The matrix's column, and row, of the new provider: four services in each line."""

    lists = forms.MultipleChoiceField(required=False)
    others = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, clinic: Clinic, has_list: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = queries.providers(clinic)
        self._rows: list[tuple[str, Any]] = [
            *([(OWN, _("The new list"))] if has_list else []),
            *((str(one.pk), one.name) for one in known if one.has_patient_list),
            (OTHERS, _("All other active patients")),
        ]
        self._columns = [(str(one.pk), one.name) for one in known] if has_list else []
        self._set("lists", self._rows)
        self._set("others", self._columns)

    def _set(self, name: str, lines: list[tuple[str, Any]]) -> None:
        field = cast(forms.MultipleChoiceField, self.fields[name])
        field.choices = [(Box(service.value, who).key, who) for who, _label in lines for service in Service]
        field.error_messages["invalid_choice"] = _(
            "Somebody in the table left the clinic meanwhile. Look through it again."
        )

    def tables(self) -> list[dict[str, Any]]:
        """Return the lines of both tables with their boxes, for the page."""
        return [
            {"name": name, "lines": [self._line(name, who, label) for who, label in lines]}
            for name, lines in (("lists", self._rows), ("others", self._columns))
            if lines
        ]

    def _line(self, name: str, who: str, label: Any) -> dict[str, Any]:
        ticked = set(self[name].value() or [])
        boxes = [
            {"key": key, "service": service, "is_ticked": key in ticked}
            for service in Service
            for key in [Box(service.value, who).key]
        ]
        return {"label": label, "boxes": boxes}


AnyStep = StepForm | ServicesStep


def step_form(
    step: Step, data: QueryDict | None, *, clinic: Clinic, told: Told, with_system: bool, today: date
) -> AnyStep:
    """Return the form of a step with what was filled in before; `data` is what was sent, or None."""
    role = told.get(Step.ROLE, {})
    said = dict(told.get(step, {}))
    has_list = bool(role.get("has_patient_list"))
    match step:
        case Step.ROLE:
            usual = {"roles": [Role.PROVIDER.value], "is_provider": True} | said
            return RoleForm(data, initial=usual, clinic=clinic, with_system=with_system)
        case Step.CALENDAR:
            usual = {"weekdays": ["0", "1", "2", "3", "4"], "first_day": today} | _clocks(said)
            return CalendarForm(data, initial=usual, clinic=clinic, today=today)
        case Step.SIGNATURE:
            return SignatureForm(data, initial=said)
        case Step.CONTACT:
            return ContactForm(data, initial=said, clinic=clinic, is_provider=bool(role.get("is_provider")))
        case Step.SERVICES:
            return ServicesStep(data, told=said, has_list=has_list)
        case _:
            usual = {"lists": [Box(service.value, OWN).key for service in Service]} | said
            return DelegationsForm(data, initial=usual, clinic=clinic, has_list=has_list)


def _clocks(said: dict[str, Any]) -> dict[str, Any]:
    """Return the calendar step with its day as a day; clocks are cut to hours and minutes."""
    clocks = {
        name: said[name][:5] for name in ("starts_at", "ends_at", "pause_from", "pause_until") if name in said
    }
    day = {"first_day": date.fromisoformat(said["first_day"])} if "first_day" in said else {}
    return said | clocks | day
