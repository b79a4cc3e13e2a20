"""Encrypted columns, and the hash by which they are found."""

import base64

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from patients.models import Patient
from portal import crypto
from tests.build import make_clinic, make_patient


def key(letter: str) -> tuple[str, bytes]:
    return (f"k{letter}", letter.encode() * 32)


def test_what_is_encrypted_opens_again_and_never_looks_the_same_twice():
    once, again = (crypto.encrypt("hemmelig", context="a.b") for _ in range(2))
    assert once != again
    assert crypto.decrypt(once, context="a.b") == crypto.decrypt(again, context="a.b") == "hemmelig"


def test_a_value_moved_to_another_column_does_not_open():
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(crypto.encrypt("hemmelig", context="a.b"), context="a.c")


def test_a_changed_value_does_not_open():
    name, _, encoded = crypto.encrypt("hemmelig", context="a.b").partition(":")
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(f"{name}:{base64.b64encode(raw).decode()}", context="a.b")


def test_old_keys_still_open_what_they_closed(settings):
    settings.FIELD_KEYS = [key("a")]
    old = crypto.encrypt("hemmelig", context="a.b")
    settings.FIELD_KEYS = [key("b"), key("a")]
    assert crypto.decrypt(old, context="a.b") == "hemmelig"
    assert crypto.encrypt("ny", context="a.b").startswith("kb:")
    settings.FIELD_KEYS = [key("b")]
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(old, context="a.b")


def test_the_index_depends_on_key_and_purpose(settings):
    once = crypto.blind_index("NO:1", purpose="national-id")
    assert once == crypto.blind_index("NO:1", purpose="national-id")
    assert once != crypto.blind_index("NO:1", purpose="throttle")
    settings.INDEX_KEY = b"another"
    assert once != crypto.blind_index("NO:1", purpose="national-id")


@pytest.mark.django_db
def test_the_database_never_holds_a_national_id_in_clear():
    patient = make_patient(make_clinic(), national_id="14848800123")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(patients_patient)::text FROM patients_patient WHERE id = %s", [patient.pk]
        )
        stored = cursor.fetchone()[0]
    assert "14848800123" not in stored
    assert Patient.objects.get(pk=patient.pk).national_id == "14848800123"


@pytest.mark.django_db
def test_an_encrypted_column_cannot_be_searched():
    with pytest.raises(FieldError):
        Patient.objects.filter(national_id="14848800123").exists()
