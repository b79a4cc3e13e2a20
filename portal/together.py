"""Makes new rows quickly, and stores rows of several models by one statement.

A booking stores the appointment, its receipt, its event and its messages. One by one that is several times the way to
Postgres, and the making of SQL, which takes longer than storing (docs/developers/performance.md).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections, models, router, transaction
from django.db.models import AutoField, Field, Model
from django.db.models.base import ModelState

from portal.postgres.base import often

Row = TypeVar("Row", bound=Model)


class Sql(str):
    """Stands in a new row for what Postgres works out when it stores it. Our own words, never anyone's."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one row that new rows depend on: `UPDATE … RETURNING …`. Our own words, never anyone's."""

    sql: str
    values: Sequence[Any]


class NotChanged(Exception):
    """The row that new rows depend on was not there to be changed. Nothing is stored."""


def fresh(model: type[Row], **values: Any) -> Row:
    """Return a new row with these values of columns (`clinic_id`, not `clinic`), and the fields' defaults.

    As the model itself makes it, but for signals and relations, which take as long as storing it does. Raises TypeError
    for what is no column.
    """
    constant, reckoned = _defaults(model)
    row = model.__new__(model)
    row._state = ModelState()
    has = row.__dict__
    has.update(constant)
    if not values.keys() <= has.keys():
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(values.keys() - has.keys()))}")
    has.update(values)
    for name, default in reckoned:
        if name not in values:
            has[name] = default()
    return row


@lru_cache(maxsize=64)
def _defaults(model: type[Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return the default of each column, and which of them are worked out anew for each row."""
    fields = [field for field in model._meta.concrete_fields if not getattr(field, "generated", False)]
    reckoned = [
        field
        for field in fields
        if field.has_db_default() or (field.has_default() and callable(field.default))
    ]
    constant = {field.attname: None if field in reckoned else field.get_default() for field in fields}
    return constant, [(field.attname, field.get_default) for field in reckoned]


def one_act() -> AbstractContextManager[Any]:
    """Stand around a single statement, which is a transaction of its own. Within another one it can fail by itself."""
    return transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext()


def store_together(*rows: Model, unless_known: Sequence[Model] = (), after: Change | None = None) -> None:
    """Insert these new rows, all or none; of `unless_known` those that break no uniqueness. One statement.

    They may point at each other: Postgres looks at foreign keys when the transaction ends. Numbers that Postgres gives as
    keys are not read back. With `after`, they are stored if that changes its row. Raises IntegrityError as saving them
    would, NotChanged when `after` found no row.
    """
    wanted = [*((row, "") for row in rows), *((row, " ON CONFLICT DO NOTHING") for row in unless_known)]
    using = router.db_for_write(type(wanted[0][0]))
    connection = connections[using]
    inserts: list[str] = []
    values: list[Any] = [] if after is None else list(after.values)
    source = "" if after is None else " FROM change"
    for row, otherwise in wanted:
        inserts.append(f"{_row_insert(row, values, connection)}{source}{otherwise}")
    with often(connection.cursor()) as cursor:
        cursor.execute(_together(inserts, after), values)
        if after is not None and not cursor.fetchone()[0]:
            raise NotChanged
    for row, _otherwise in wanted:
        row._state.adding, row._state.db = False, using


def _together(inserts: list[str], after: Change | None) -> str:
    """Return `WITH row_0 AS (INSERT …), row_1 AS (INSERT …) INSERT …`, or what tells whether they were stored."""
    before = [] if after is None else [f"change AS ({after.sql})"]
    *others, last = inserts if after is None else [*inserts, "SELECT EXISTS (SELECT FROM change)"]
    named = ", ".join([*before, *(f"row_{number} AS ({insert})" for number, insert in enumerate(others))])
    return f"WITH {named} {last}" if named else last


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is written of a model's rows: no number that Postgres gives or reckons itself."""

    insert: str
    """The statement but for its values."""
    values_of: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    """Takes what a row holds."""
    fields: "Sequence[Field[Any, Any]]"


@dataclass(frozen=True, slots=True)
class _Ways:
    """How the values of a row go to Postgres, found out once for rows that hold values of the same types."""

    by_value: Sequence[int]
    """Members of an enumeration: what they stand for goes as it is."""
    by_preparing: Sequence[int]
    """The field prepares it, and nothing else is to be asked: what is encrypted."""
    by_field: Sequence[int]
    """The field knows how to keep it. Asking it takes longer than storing, so it is asked only for these."""
    by_postgres: Sequence[int]
    """No values, but what Postgres works out."""


def _row_insert(row: Model, values: list[Any], connection: Any) -> str:
    """Add the row's values to the values; return its `INSERT … SELECT`."""
    columns = _columns(type(row))
    own = list(columns.values_of(row.__dict__))
    ways = _ways(type(row), tuple(map(type, own)))
    places = ["%s"] * len(own)
    for place in ways.by_value:
        own[place] = own[place]._value_
    for place in ways.by_preparing:
        own[place] = columns.fields[place].get_prep_value(own[place])
    for place in ways.by_field:
        own[place], places[place] = _kept(row, columns.fields[place], connection)
    for place in ways.by_postgres:
        places[place] = own.pop(place)
    values += own
    return f"{columns.insert} SELECT {', '.join(places)}"


def _kept(row: Model, field: "Field[Any, Any]", connection: Any) -> tuple[Any, str]:
    """Return the value as the field keeps it, and what stands for it in the statement."""
    value = field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)
    return value, (
        str(field.get_placeholder(value, None, connection)) if hasattr(field, "get_placeholder") else "%s"
    )


@lru_cache(maxsize=64)
def _columns(model: type[Model]) -> _Columns:
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, AutoField) and not getattr(field, "generated", False)
    ]
    names = ", ".join(f'"{field.column}"' for field in fields)
    return _Columns(
        f'INSERT INTO "{model._meta.db_table}" ({names})',
        itemgetter(*(field.attname for field in fields)),
        fields,
    )


@lru_cache(maxsize=512)
def _ways(model: type[Model], types: tuple[type, ...]) -> _Ways:
    by_value, by_preparing, by_field, by_postgres = [], [], [], []
    for place, (field, kind) in enumerate(zip(_columns(model).fields, types, strict=True)):
        plain = _plain(field)
        if issubclass(kind, Sql):
            by_postgres.append(place)
        elif issubclass(kind, Enum) and any(issubclass(kind, one) for one in plain):
            by_value.append(place)
        elif kind is str and _only_prepares(field):
            by_preparing.append(place)
        elif kind not in plain:
            by_field.append(place)
    return _Ways(by_value, by_preparing, by_field, by_postgres[::-1])


_PLAIN: dict[type, tuple[type, ...]] = {
    models.BigIntegerField: (int,),
    models.BooleanField: (bool,),
    models.CharField: (str,),
    models.TextField: (str,),
    models.DateTimeField: (datetime,),
    models.ForeignKey: (int, UUID),
    models.GenericIPAddressField: (),
    models.PositiveIntegerField: (int,),
    models.PositiveSmallIntegerField: (int,),
    models.UUIDField: (UUID,),
}


def _plain(field: "Field[Any, Any]") -> tuple[type, ...]:
    """Return of which types values go as they are."""
    types = None if _changes(field) else _PLAIN.get(type(field))
    return () if types is None else (*types, type(None))


def _only_prepares(field: "Field[Any, Any]") -> bool:
    """Return whether what is kept is what the field's own get_prep_value gives, and not as it is."""
    ways = ("pre_save", "get_db_prep_save", "get_db_prep_value", "get_internal_type")
    return type(field) not in _PLAIN and all(
        getattr(type(field), way, None) is getattr(models.TextField, way, None) for way in ways
    )


def _changes(field: "Field[Any, Any]") -> bool:
    """Return whether the field gives itself a value when a row is stored."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
