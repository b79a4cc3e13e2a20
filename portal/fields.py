"""Column types of our own."""

from typing import TYPE_CHECKING, Any

from django.db import models

from portal import crypto

if TYPE_CHECKING:
    TextField = models.TextField[str | None, str | None]
else:
    TextField = models.TextField


class EncryptedTextField(TextField):
    """Text that is encrypted in the database and plain in Python. It can't be searched or compared in queries."""

    def _context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "":
            return value
        return crypto.encrypt(str(value), context=self._context())

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None or value == "":
            return value
        return crypto.decrypt(value, context=self._context())

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow only what works on ciphertext."""
        return super().get_lookup(lookup_name) if lookup_name in {"isnull"} else None
