"""Shape of what the pages of delegation send."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _gettext
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Service
from clinic_admin.models import Provider, StaffMember
from delegation.choices import Topic
from delegation.policy import Away, Tick
from delegation.queries import Grid, key
from portal.day_field import DayField

LONGEST_ABSENCE = timedelta(days=731)


class BoxesField(forms.MultipleChoiceField):
    """Boxes of a matrix. There may be thousands: each is looked up, where Django would go through all for each."""

    known: frozenset[str] = frozenset()

    def valid_value(self, value: str) -> bool:
        """Return whether there is such a box."""
        return value in self.known


class MatrixForm(forms.Form):
    """The boxes of one service, the version that the page was made from, and what it showed then."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    base = forms.CharField(required=False, widget=forms.HiddenInput)
    tick = BoxesField(required=False)

    def __init__(self, *args: Any, grid: Grid, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grid = grid
        field = self.fields["tick"]
        assert isinstance(field, BoxesField)
        field.known = frozenset(key(box) for box in grid.boxes)
        field.error_messages["invalid_choice"] = _("A provider has left since you opened the page.")

    @property
    def ticks(self) -> frozenset[Tick]:
        """Return the boxes that are ticked, also when the form isn't valid; unknown ones are left out."""
        return self.grid.ticks_of(set(self.data.getlist("tick")))  # type: ignore[attr-defined]

    @property
    def base_ticks(self) -> frozenset[Tick]:
        """Return the boxes that were ticked when the page was made."""
        return self.grid.ticks_of(set(self.data.get("base", "").split()))


AS_ABOVE, NOBODY = "", "nobody"


class AbsenceForm(forms.Form):
    """Who is away, when, and who covers: one for all services, or somebody else for some."""

    provider = forms.ChoiceField(
        label=_("Who is away?"), error_messages={"required": _("Choose who is away.")}
    )
    first_day = DayField(
        label=_("First day"),
        error_messages={"required": _("Say from which day on."), "invalid": _("That is not a day.")},
    )
    last_day = DayField(
        label=_("Last day"),
        error_messages={"required": _("Say until which day."), "invalid": _("That is not a day.")},
    )
    cover = forms.ChoiceField(
        label=_("Who covers?"),
        required=False,
        help_text=_("Takes over the absent provider's patients, on these days only."),
    )

    def __init__(self, *args: Any, providers: list[Provider], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(provider.pk), provider.name) for provider in providers]
        choices = {
            "provider": [("", _("Choose")), *people],
            "cover": [("", _("Nobody")), *people],
        }
        for service in Service:
            self.fields[f"cover-{service.value}"] = forms.ChoiceField(label=service.label, required=False)
            choices[f"cover-{service.value}"] = [(AS_ABOVE, _("As above")), (NOBODY, _("Nobody")), *people]
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = values

    def clean_provider(self) -> int:
        """Return the provider's id."""
        return int(self.cleaned_data["provider"])

    def clean_last_day(self) -> date:
        """Return the day; one that is years away is a slip of the pen."""
        last_day: date = self.cleaned_data["last_day"]
        first_day = self.cleaned_data.get("first_day")
        if first_day and last_day - first_day > LONGEST_ABSENCE:
            raise forms.ValidationError(
                _("An absence can last two years at most. Untick the provider instead.")
            )
        return last_day

    @property
    def covers(self) -> dict[Service, int]:
        """Return who stands in for which service. Services with nobody are left out."""
        found: dict[Service, int] = {}
        for service in Service:
            chosen = self.cleaned_data[f"cover-{service.value}"] or self.cleaned_data["cover"] or NOBODY
            if chosen != NOBODY:
                found[service] = int(chosen)
        return found

    @property
    def wanted(self) -> Away:
        """Return the absence as the rules see it."""
        return Away(
            self.cleaned_data["provider"],
            self.cleaned_data["first_day"],
            self.cleaned_data["last_day"],
            self.covers,
        )

    @property
    def per_service(self) -> list[forms.BoundField]:
        """Return the fields for other covers in some services."""
        return [self[f"cover-{service.value}"] for service in Service]

    @property
    def has_other_covers(self) -> bool:
        """Return whether some service has its own cover, so that the page shows these fields."""
        return any(field.value() or field.errors for field in self.per_service)


def absence_initial(away: Away) -> dict[str, Any]:
    """Return an absence as the form shows it: the same cover for all services in one field."""
    found: dict[str, Any] = {
        "provider": str(away.provider),
        "first_day": away.first_day,
        "last_day": away.last_day,
    }
    covers = {service: away.covers.get(service) for service in Service}
    if len(set(covers.values())) == 1:
        return found | {"cover": str(covers[Service.BOOKING] or "")}
    each = {f"cover-{service.value}": str(cover or NOBODY) for service, cover in covers.items()}
    return found | each


class MessagesForm(forms.Form):
    """Which kinds of messages are delegated, and to whom (000 §4.3)."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    topics = forms.MultipleChoiceField(
        label=_("1. Choose the kinds of messages"),
        choices=Topic.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("If nothing is ticked, messages are not delegated, even if someone is chosen below."),
    )
    recipient = forms.ChoiceField(
        label=_("2. Choose who gets them"),
        required=False,
        help_text=_("One person gets all new messages of the kinds that are ticked."),
        error_messages={"invalid_choice": _("This staff member doesn't work at the clinic any more.")},
    )

    def __init__(self, *args: Any, staff: list[StaffMember], may_save: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recipient = self.fields["recipient"]
        assert isinstance(recipient, forms.ChoiceField)
        recipient.choices = [("", _("Nobody chosen")), *((str(post.pk), _post_name(post)) for post in staff)]
        for name in ("topics", "recipient"):
            self.fields[name].disabled = not may_save

    def clean(self) -> dict[str, Any]:
        """Ask for a person when something is ticked."""
        sent = self.cleaned_data
        if sent.get("topics") and "recipient" in sent and not sent["recipient"]:
            self.add_error("recipient", _("Choose who gets these messages, or untick them."))
        return sent

    @property
    def recipient_id(self) -> int | None:
        """Return the id of who was chosen."""
        chosen = self.cleaned_data["recipient"]
        return int(chosen) if chosen else None


def _post_name(post: StaffMember) -> str:
    return post.name if post.is_active else _gettext("%(name)s (has left)") % {"name": post.name}
