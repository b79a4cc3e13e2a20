"""Queries that are put together once, for what nearly every page asks.

Making SQL of a queryset takes several times as long as Postgres needs to answer it by key (docs/developers/performance.md).
A Ready query does that at its first use and afterwards only fills in what differs. It is written as any other:

    _BY_NAME = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))
    clinic = _BY_NAME.first(identifier="bakken")
"""

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, Model, QuerySet
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


class Ready(Generic[Row]):
    """A queryset of one shape. `make` returns it, with a Given wherever something differs from time to time."""

    def __init__(self, make: Callable[[], QuerySet[Row]]) -> None:
        self._make = make
        self._made: tuple[QuerySet[Row], SQLCompiler, str, tuple[Any, ...]] | None = None

    def all(self, **values: Any) -> list[Row]:
        """Return the rows for these values, one for each Given by its name. One query. Raises KeyError without one."""
        queryset, compiler, sql, parameters = self._made or self._put_together()
        filled = tuple(values[one.name] if isinstance(one, Given) else one for one in parameters)
        found = queryset.all()
        asks = copy.copy(compiler)
        asks.connection = connections[queryset.db]
        asks.as_sql = lambda *_, **__: (sql, filled)  # type: ignore[method-assign]
        found.query.get_compiler = lambda *_, **__: asks  # type: ignore[method-assign]
        return list(found)

    def first(self, **values: Any) -> Row | None:
        """Return the first row, or None. One query; `make` limits it where there can be many."""
        return next(iter(self.all(**values)), None)

    def _put_together(self) -> tuple[QuerySet[Row], SQLCompiler, str, tuple[Any, ...]]:
        queryset = self._make()
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, parameters = compiler.as_sql()
        self._made = (queryset, compiler, sql, tuple(parameters))
        return self._made
