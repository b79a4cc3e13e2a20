"""Shape of what the pages of delegation send."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.models import Provider
from delegation.policy import Tick
from delegation.queries import Grid, key


class MatrixForm(forms.Form):
    """The boxes of one service, the version that the page was made from, and what it showed then."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    base = forms.CharField(required=False, widget=forms.HiddenInput)
    tick = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, grid: Grid, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grid = grid
        field = self.fields["tick"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(key(box), key(box)) for box in grid.boxes]
        field.error_messages["invalid_choice"] = _("A provider has left since you opened the page.")

    @property
    def ticks(self) -> frozenset[Tick]:
        """Return the boxes that are ticked, also when the form isn't valid; unknown ones are left out."""
        return self.grid.ticks_of(set(self.data.getlist("tick")))  # type: ignore[attr-defined]

    @property
    def base_ticks(self) -> frozenset[Tick]:
        """Return the boxes that were ticked when the page was made."""
        return self.grid.ticks_of(set(self.data.get("base", "").split()))


class AbsenceForm(forms.Form):
    """Who is away, when, and who covers."""

    provider = forms.ChoiceField(label=_("Who is away?"))
    first_day = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last_day = forms.DateField(
        label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    cover = forms.ChoiceField(
        label=_("Who covers?"),
        required=False,
        help_text=_("Gets the patients of the one away, in every service, on these days only."),
    )

    def __init__(self, *args: Any, providers: list[Provider], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(provider.pk), provider.name) for provider in providers]
        for name, first in (("provider", _("Choose")), ("cover", _("Nobody"))):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", first), *people]

    def clean_provider(self) -> int:
        """Return the provider's id."""
        return int(self.cleaned_data["provider"])

    def clean_cover(self) -> int | None:
        """Return the cover's id, or None for nobody."""
        chosen = self.cleaned_data["cover"]
        return int(chosen) if chosen else None
