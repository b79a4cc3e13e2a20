"""How a clinic is named in an address: `<portal:clinic>`."""

from django.urls.converters import SlugConverter

from clinic_admin.choices import RESERVED_IDENTIFIERS


class PortalConverter(SlugConverter):
    """A clinic's portal identifier: never one of the words that stand first in other addresses."""

    def to_python(self, value: str) -> str:
        """Return the identifier. Raises ValueError for a reserved word: then another address is meant."""
        if value.lower() in RESERVED_IDENTIFIERS:
            raise ValueError(value)
        return super().to_python(value)
