"""Stores new rows of several models by one statement.

A booking stores the appointment, its receipt and its event. One by one that is three times the way to Postgres, and
three times the making of SQL, which takes longer than storing (docs/developers/performance.md).
"""

from functools import lru_cache
from typing import Any

from django.db import connections, router
from django.db.models import AutoField, Field, Model


def store_together(*rows: Model) -> None:
    """Insert these new rows, all or none. One statement.

    They may point at each other: Postgres looks at foreign keys when the transaction ends. Numbers that Postgres gives as
    keys are not read back. Raises IntegrityError as saving them would.
    """
    using = router.db_for_write(type(rows[0]))
    connection = connections[using]
    inserts, values = [], []
    for row in rows:
        insert, fields = _insert(type(row))
        kept = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection=connection) for field in fields
        ]
        inserts.append(insert.format(places=", ".join(_places(fields, kept, connection))))
        values += kept
    with connection.cursor() as cursor:
        cursor.execute(_together(inserts), values)
    for row in rows:
        row._state.adding, row._state.db = False, using


def _together(inserts: list[str]) -> str:
    """Return `WITH row_0 AS (INSERT …), row_1 AS (INSERT …) INSERT …`."""
    *before, last = inserts
    named = ", ".join(f"row_{number} AS ({insert})" for number, insert in enumerate(before))
    return f"WITH {named} {last}" if named else last


@lru_cache(maxsize=64)
def _insert(model: type[Model]) -> tuple[str, "tuple[Field[Any, Any], ...]"]:
    """Return the statement but for its values, and what is written: no number that Postgres gives or reckons itself."""
    fields = tuple(
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, AutoField) and not getattr(field, "generated", False)
    )
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({{places}})', fields  # noqa: S608 - names of our models


def _places(fields: "tuple[Field[Any, Any], ...]", values: list[Any], connection: Any) -> list[str]:
    return [
        field.get_placeholder(value, None, connection) if hasattr(field, "get_placeholder") else "%s"
        for field, value in zip(fields, values, strict=True)
    ]
