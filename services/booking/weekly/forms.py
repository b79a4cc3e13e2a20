"""What the page of a weekly calendar takes in."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic_admin.choices import Weekday
from portal.day_field import DayField
from portal.field_words import OLD_PAGE
from services.booking.choices import SlotKind
from services.booking.weekly import policy
from services.booking.weekly.policy import FEWEST_MINUTES, MOST_MINUTES, WeekBlock

MORE_ROWS = 4
MOST_ROWS = 60
USUAL_MINUTES = 15


class _Clock(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class _Words(forms.Select):
    """As wide as its longest word, also in a table's cell."""

    def __init__(self) -> None:
        super().__init__(attrs={"size": 1})


class TemplateForm(forms.Form):
    """Name and duration of a weekly calendar."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Only staff see it, for example “Winter” or “Summer”.")
    )
    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)
    """What the page was made from (queries.token)."""
    knows = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)
    """The calendar whose effect the page showed, in the same words."""
    valid_from = DayField(label=_("First day"))
    valid_until = DayField(
        label=_("Last day"),
        required=False,
        help_text=_("Leave it empty when it applies until further notice."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a last day before the first."""
        words = super().clean() or {}
        first: date | None = words.get("valid_from")
        last: date | None = words.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", _("The last day can't be before the first day."))
        return words


class BlockForm(forms.Form):
    """A row: a stretch of a weekday with appointments of one length and kind. An untouched row is no row."""

    weekday = forms.ChoiceField(label=_("Day"), choices=[("", "–"), *Weekday.choices], widget=_Words())
    starts_at = forms.TimeField(label=_("From"), widget=_Clock())
    ends_at = forms.TimeField(label=_("Until"), widget=_Clock())
    minutes = forms.IntegerField(
        label=_("Minutes each"), min_value=FEWEST_MINUTES, max_value=MOST_MINUTES, initial=USUAL_MINUTES
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=SlotKind.choices, initial=SlotKind.PORTAL, widget=_Words()
    )

    def block(self) -> WeekBlock:
        """Return what a valid row says."""
        words = self.cleaned_data
        return WeekBlock(
            int(words["weekday"]), words["starts_at"], words["ends_at"], words["minutes"], words["kind"]
        )


if TYPE_CHECKING:
    _FormSet = forms.BaseFormSet[BlockForm]
else:
    _FormSet = forms.BaseFormSet


def _is_to_go(form: BlockForm) -> bool:
    """Return whether the row's box for removal is ticked. Removed rows are not judged."""
    return bool(form.cleaned_data.get("DELETE")) if hasattr(form, "cleaned_data") else False


class BlockRows(_FormSet):
    """The rows of a calendar."""

    default_error_messages = {
        "missing_management_form": OLD_PAGE,
        "too_many_forms": _("Remove rows: a weekly calendar has at most %(num)d."),
    }

    def clean(self) -> None:
        """Refuse rows that contradict one another, also beside unfinished ones; the words stand by the field to change."""
        rows = self._rows()
        if not rows:
            raise forms.ValidationError(_("Fill in at least one row."))
        whole = [form for form in rows if not form.errors]
        for position, problem in policy.problems([form.block() for form in whole]).items():
            whole[position].add_error("ends_at", str(problem.label))

    def _rows(self) -> list[BlockForm]:
        return [form for form in self.forms if form.has_changed() and not _is_to_go(form)]

    def blocks(self) -> list[WeekBlock]:
        """Return what the valid rows say, in the order of the week."""
        found = [form.block() for form in self._rows()]
        return sorted(found, key=lambda block: (block.weekday, block.starts_at))

    def refuse(self, block: WeekBlock, words: str) -> None:
        """Say by the row that holds the block why it can't be saved."""
        for form in self._rows():
            # A row that is refused already says nothing whole any more.
            if not form.errors and form.block() == block:
                form.add_error("ends_at", words)

    def has_row_errors(self) -> bool:
        """Return whether a row is wrong; clean() adds some after the rows were judged."""
        return any(form.errors for form in self.forms if not _is_to_go(form))

    def is_valid(self) -> bool:
        """Return whether all rows can be used together."""
        return super().is_valid() and not self.has_row_errors()


def block_rows(
    data: Any = None, *, initial: Sequence[dict[str, Any]] = (), extra: int = MORE_ROWS
) -> BlockRows:
    """Return the rows of a calendar: as sent, or as stored with some empty ones below."""
    kind = forms.formset_factory(
        BlockForm,
        formset=BlockRows,
        extra=extra,
        can_delete=True,
        max_num=MOST_ROWS,
        absolute_max=MOST_ROWS,
        validate_max=True,
    )
    rows = kind(data, prefix="rows") if data is not None else kind(initial=initial, prefix="rows")
    return cast(BlockRows, rows)


def initial_of(blocks: Sequence[WeekBlock]) -> list[dict[str, Any]]:
    """Return stored rows as the form shows them."""
    return [
        {
            "weekday": str(block.weekday),
            "starts_at": block.starts_at,
            "ends_at": block.ends_at,
            "minutes": block.minutes,
            "kind": block.kind,
        }
        for block in blocks
    ]


def more_rows(data: Any) -> BlockRows:
    """Return the rows of a form that was sent with more empty ones below; the first of these is ready to be filled in."""
    rows = block_rows(initial=as_typed(data), extra=2 * MORE_ROWS)
    for first in rows.forms[rows.initial_form_count() :][:1]:
        first.fields["weekday"].widget.attrs["autofocus"] = True
    return rows


def as_typed(data: Any) -> list[dict[str, str]]:
    """Return the rows of a form that was sent, unjudged, so that it can be shown with more empty rows."""
    names = list(BlockForm.base_fields)
    try:
        total = min(int(data.get("rows-TOTAL_FORMS", 0)), MOST_ROWS)
    except ValueError:
        total = 0
    rows = [{name: data.get(f"rows-{number}-{name}", "") for name in names} for number in range(total)]
    return [row for row in rows if row["weekday"] or row["starts_at"] or row["ends_at"]]
