"""What the tests of registration share."""

from tests.identity.conftest import forgetful, idp

__all__ = ["forgetful", "idp"]
