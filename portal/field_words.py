"""What fields of forms say when something is wrong, in the product's own words: what to do, without Django's sentences.

What was sent is never repeated: it may be anything, and stands in the field anyway. A field that knows better says so with
`error_messages` of its own.
"""

from django.forms import (
    ChoiceField,
    DateField,
    DateTimeField,
    DecimalField,
    EmailField,
    Field,
    FileField,
    FloatField,
    IntegerField,
    JSONField,
    ModelChoiceField,
    ModelMultipleChoiceField,
    MultipleChoiceField,
    TimeField,
    UUIDField,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OLD_PAGE = _("The page was too old. Load it again, and try once more.")
"""Of what a page itself sends along, which nobody can see or correct."""

_CHOOSE = _("Choose one of these.")
_CHOOSE_AGAIN = _("Something chosen here can't be chosen any more. Choose again.")
_NUMBER = _("Write a number, as in 20 or 1.5.")

_WORDS: dict[type[Field], dict[str, str | Promise]] = {
    Field: {
        "required": _("Fill in this field."),
        "max_length": _("Shorten the text to at most %(limit_value)d characters. Now it has %(show_value)d."),
        "min_length": _("Write at least %(limit_value)d characters. Now it has %(show_value)d."),
        "min_value": _("Write %(limit_value)s or more."),
        "max_value": _("Write %(limit_value)s or less."),
        "step_size": _("Write a multiple of %(limit_value)s."),
        "max_digits": _("Write at most %(max)s digits."),
        "max_whole_digits": _("Write at most %(max)s digits before the decimal point."),
        "max_decimal_places": _("Write at most %(max)s decimals."),
        "null_characters_not_allowed": _("There is a sign in it that can't be kept. Write the text anew."),
    },
    EmailField: {"invalid": _("This is not an e-mail address. It looks like name@example.com.")},
    IntegerField: {"invalid": _("Write a whole number, as in 20.")},
    DecimalField: {"invalid": _NUMBER},
    FloatField: {"invalid": _NUMBER},
    DateField: {"invalid": _("Write a date, as in 24.12.2026.")},
    TimeField: {"invalid": _("Write a time of day, as in 08:00.")},
    DateTimeField: {"invalid": _("Write a date and a time, such as 24.11.2026 10:20.")},
    ChoiceField: {"invalid_choice": _CHOOSE},
    MultipleChoiceField: {"invalid_choice": _CHOOSE_AGAIN, "invalid_list": _CHOOSE_AGAIN},
    ModelChoiceField: {"invalid_choice": _CHOOSE},
    ModelMultipleChoiceField: {
        "invalid_choice": _CHOOSE_AGAIN,
        "invalid_list": _CHOOSE_AGAIN,
        "invalid_pk_value": _CHOOSE_AGAIN,
    },
    FileField: {
        "invalid": _("No file came along. Choose it again."),
        "missing": _("No file came along. Choose it again."),
        "empty": _("The file is empty. Choose another one."),
        "max_length": _("The file's name is too long. Give it a shorter one, and choose it again."),
        "contradiction": _("Choose a file, or tick that there is none: not both."),
    },
    UUIDField: {"invalid": OLD_PAGE},
    JSONField: {"invalid": OLD_PAGE},
}


def speak_for_all_forms() -> None:
    """Let every form say these. To be called before any form is made, as each field copies its messages."""
    for kind, words in _WORDS.items():
        kind.default_error_messages = vars(kind).get("default_error_messages", {}) | words
