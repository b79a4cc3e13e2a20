"""Passwords of patients: what they may be, and checking one in the same time whether it exists or not."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from identity import policy
from identity.choices import PasswordProblem

PRODUCT = "venterom"
COMMON = Path(__file__).parent / "common_passwords" / "list.txt.gz"
"""100,000 of at least eight characters, in lower case; where they come from stands beside them."""


@cache
def nobodys() -> str:
    """Return the hash of something that nobody has, to check against where there is nothing to check."""
    return make_password("nobody has this password")


@cache
def _common() -> tuple[CommonPasswordValidator, ...]:
    """Return Django's list as well: it was counted from other leaks."""
    return CommonPasswordValidator(COMMON), CommonPasswordValidator()


def hashed(password: str) -> str:
    """Return what is stored."""
    return make_password(password)


def is_right(password: str, stored: str) -> bool:
    """Return whether the password is the stored one. Without a stored one it costs the same, and is wrong."""
    dummy = nobodys()
    return check_password(password[: policy.LONGEST_PASSWORD + 1], stored or dummy) and bool(stored)


def problem(password: str, context: Iterable[str]) -> PasswordProblem | None:
    """Return what is wrong with a new password, or None. `context` are texts whose words must not be in it."""
    found = policy.password_problem(password, [*context, PRODUCT])
    if found is not None:
        return found
    return PasswordProblem.COMMON if is_common(password) else None


def is_common(password: str) -> bool:
    """Return whether many people use the password, in whatever case."""
    try:
        for validator in _common():
            validator.validate(password)
    except ValidationError:
        return True
    return False
