"""Every text a person reads exists in bokmål and Danish as well."""

import pytest

from portal import catalogues


def test_texts_are_found_in_code_and_templates():
    found = {
        entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalogues.extracted() if entry.id
    }
    assert {"Book a time", "Someone else has just taken this time."} <= found


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_text_is_translated_and_keeps_its_placeholders(language):
    assert catalogues.faults(language) == []
