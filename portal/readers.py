"""Who reads about a patient: the patient, or somebody who acts for them. One sentence for each."""

from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString


def to_whom(name: str, to_patient: str | Promise, to_other: str | Promise, **values: Any) -> SafeString:
    """Return the sentence for who reads, with its values in it, escaped.

    `name` is of whom the reader acts for; empty for the patient. `to_patient` may say "you" of the patient, `to_other`
    says {name}; where the reader is meant, whoever it is, one sentence with "you" does for both. Values stand in braces.
    """
    return format_html(str(to_other if name else to_patient), name=name, **values)
