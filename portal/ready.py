"""Queries that are put together once, for what nearly every page asks.

Making SQL of a queryset, and rows of models out of what Postgres answers, takes several times as long as Postgres needs
to answer by key (docs/developers/performance.md). A Ready query works out both at its first use and afterwards only
fills in what differs. It is written as any other:

    _BY_NAME = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))
    clinic = _BY_NAME.first(identifier="bakken")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)


class Given(Expression):
    """Stands in a Ready query for a value that comes when it is asked, in the form in which Postgres keeps it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, _compiler: SQLCompiler, _connection: Any) -> tuple[str, Any]:
        """Return a place for the value, marked by ourselves."""
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class _Made:
    """What is worked out once: the statement, and how a row of its answer becomes a row of the model."""

    using: str
    sql: str
    parameters: tuple[Any, ...]
    model: type[Model]
    own: slice
    """Where in the answer the model's own columns stand."""
    names: list[str]
    related: Sequence[Any]
    reckoned: Sequence[tuple[str, int]]
    """What was annotated: its name, and its place in the answer."""
    converters: Sequence[tuple[int, Sequence[Callable[..., Any]], Any]]


class Ready(Generic[Row]):
    """A queryset of one shape. `make` returns it, with a Given wherever something differs from time to time."""

    def __init__(self, make: Callable[[], QuerySet[Row]]) -> None:
        self._make = make
        self._made: _Made | None = None

    def all(self, **values: Any) -> list[Row]:
        """Return the rows for these values, one for each Given by its name. One query. Raises KeyError without one."""
        made = self._made or self._put_together()
        filled = [values[one.name] if isinstance(one, Given) else one for one in made.parameters]
        connection = connections[made.using]
        with connection.cursor() as cursor:
            cursor.execute(made.sql, filled)
            answer = cursor.fetchall()
        return [_row(made, list(values), connection) for values in answer]

    def first(self, **values: Any) -> Row | None:
        """Return the first row, or None. One query; `make` limits it where there can be many."""
        return next(iter(self.all(**values)), None)

    def _put_together(self) -> _Made:
        queryset = self._make()
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, parameters = compiler.as_sql()
        columns = [column for column, _sql, _alias in compiler.select]
        own, reckoned = compiler.klass_info["select_fields"], compiler.annotation_col_map or {}
        converters = compiler.get_converters(columns)
        self._made = _Made(
            using=queryset.db,
            sql=sql,
            parameters=tuple(parameters),
            model=queryset.model,
            own=slice(own[0], own[-1] + 1),
            names=[column.target.attname for column in columns[own[0] : own[-1] + 1]],
            related=get_related_populators(compiler.klass_info, compiler.select, queryset.db),  # type: ignore[call-arg]
            reckoned=tuple(reckoned.items()),
            converters=[(place, several, column) for place, (several, column) in converters.items()],
        )
        return self._made


def _row(made: _Made, values: list[Any], connection: Any) -> Any:
    """Return the row as Django's own ModelIterable does."""
    for place, converters, column in made.converters:
        for convert in converters:
            values[place] = convert(values[place], column, connection)
    row = made.model.from_db(made.using, made.names, values[made.own])
    for related in made.related:
        related.populate(values, row)
    for name, place in made.reckoned:
        setattr(row, name, values[place])
    return row
