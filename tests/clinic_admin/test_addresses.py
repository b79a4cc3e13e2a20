"""No word that stands first in another address is taken for a clinic."""

import pytest
from django.urls import Resolver404, resolve

from clinic_admin.choices import RESERVED_IDENTIFIERS


@pytest.mark.parametrize(
    "word",
    sorted(RESERVED_IDENTIFIERS - {"favicon.ico", "login.aspx", "manifest.json", "robots.txt", "sw.js"}),
)
def test_a_reserved_word_is_nobodys_portal(word):
    for path in (f"/{word}/start/", f"/{word.upper()}/start/"):
        with pytest.raises(Resolver404):
            resolve(path)


def test_a_clinic_is_found_by_its_word_however_it_is_written():
    for word in ("bakken", "Bakken", "legekontor-1", "staffeldt", "sign-inn"):
        found = resolve(f"/{word}/start/")
        assert found.view_name == "home:start"
        assert found.kwargs == {"clinic": word}
