"""Stores new rows of several models by one statement.

A booking stores the appointment, its receipt, its event and its messages. One by one that is several times the way to
Postgres, and the making of SQL, which takes longer than storing (docs/developers/performance.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connections, models, router
from django.db.models import AutoField, Field, Model


class Sql(str):
    """Stands in a new row for what Postgres works out when it stores it. Our own words, never anyone's."""

    __slots__ = ()


def store_together(*rows: Model, unless_known: Sequence[Model] = ()) -> None:
    """Insert these new rows, all or none; of `unless_known` those that break no uniqueness. One statement.

    They may point at each other: Postgres looks at foreign keys when the transaction ends. Numbers that Postgres gives as
    keys are not read back. Raises IntegrityError as saving them would.
    """
    wanted = [*((row, "") for row in rows), *((row, " ON CONFLICT DO NOTHING") for row in unless_known)]
    using = router.db_for_write(type(wanted[0][0]))
    connection = connections[using]
    inserts: list[str] = []
    values: list[Any] = []
    for row, otherwise in wanted:
        insert, columns = _insert(type(row))
        places = [column.place(row, values, connection) for column in columns]
        inserts.append(f"{insert} ({', '.join(places)}){otherwise}")
    with connection.cursor() as cursor:
        cursor.execute(_together(inserts), values)
    for row, _otherwise in wanted:
        row._state.adding, row._state.db = False, using


def _together(inserts: list[str]) -> str:
    """Return `WITH row_0 AS (INSERT …), row_1 AS (INSERT …) INSERT …`."""
    *before, last = inserts
    named = ", ".join(f"row_{number} AS ({insert})" for number, insert in enumerate(before))
    return f"WITH {named} {last}" if named else last


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a value comes from, and how it goes to Postgres."""

    field: "Field[Any, Any]"
    plain: tuple[type, ...]
    """Values of these types, and None, go as they are. Asking the field takes longer than storing."""

    def place(self, row: Model, values: list[Any], connection: Any) -> str:
        """Add the row's value to the values; return what stands for it in the statement."""
        value = getattr(row, self.field.attname)
        if isinstance(value, Sql):
            return value
        if self.plain and (value is None or type(value) in self.plain):
            values.append(value)
            return "%s"
        kept = self.field.get_db_prep_save(self.field.pre_save(row, add=True), connection=connection)
        values.append(kept)
        if hasattr(self.field, "get_placeholder"):
            return str(self.field.get_placeholder(kept, None, connection))
        return "%s"


_PLAIN: dict[type, tuple[type, ...]] = {
    models.BooleanField: (bool,),
    models.CharField: (str,),
    models.TextField: (str,),
    models.DateTimeField: (datetime,),
    models.ForeignKey: (int, UUID),
    models.PositiveIntegerField: (int,),
    models.PositiveSmallIntegerField: (int,),
    models.UUIDField: (UUID,),
}


@lru_cache(maxsize=64)
def _insert(model: type[Model]) -> tuple[str, tuple[_Column, ...]]:
    """Return the statement but for its values, and what is written: no number that Postgres gives or reckons itself."""
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, AutoField) and not getattr(field, "generated", False)
    ]
    names = ", ".join(f'"{field.column}"' for field in fields)
    columns = tuple(
        _Column(field, () if _changes(field) else _PLAIN.get(type(field), ())) for field in fields
    )
    return f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES', columns


def _changes(field: "Field[Any, Any]") -> bool:
    """Return whether the field gives itself a value when a row is stored."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
