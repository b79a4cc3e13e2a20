"""Queries that are put together once, for what nearly every page asks.

Making SQL of a queryset, and rows of models out of what Postgres answers, takes several times as long as Postgres needs
to answer by key (docs/developers/performance.md). A Ready query works out both at its first use and afterwards only
fills in what differs. It is written as any other:

    _BY_NAME = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))
    clinic = _BY_NAME.first(identifier="bakken")

What a request will ask one after the other can be read ahead by one statement (AtOnce, answered).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

import psycopg.sql
from django.db import connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from portal.postgres.base import often

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
    width: int
    """Columns of the answer."""
    told_apart_by: Sequence[str]
    """Of what a question about this is told from others: all that comes when it is asked, but the moment."""

    def filled(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the parameters with these values in their places."""
        return [values[one.name] if isinstance(one, Given) else one for one in self.parameters]


class Ready(Generic[Row]):
    """A queryset of one shape. `make` returns it, with a Given wherever something differs from time to time."""

    def __init__(self, make: Callable[[], QuerySet[Row]]) -> None:
        self._make = make
        self._made: _Made | None = None

    def all(self, **values: Any) -> list[Row]:
        """Return the rows for these values, one for each Given by its name. One query. Raises KeyError without one."""
        made = self.made
        connection = connections[made.using]
        with often(connection.cursor()) as cursor:
            cursor.execute(made.sql, made.filled(values))
            answer = cursor.fetchall()
        return [_row(made, list(row), connection) for row in answer]

    def first(self, **values: Any) -> Row | None:
        """Return the first row, or None. One query, none if it was read ahead; `make` limits it where there can be many."""
        ahead = _AHEAD.get()
        if ahead:
            question = _question(self, values)
            if question in ahead:
                return ahead.pop(question)  # type: ignore[no-any-return]
        return next(iter(self.all(**values)), None)

    @property
    def made(self) -> _Made:
        """Return what is worked out once."""
        return self._made or self._put_together()

    def _put_together(self) -> _Made:
        queryset = self._make()
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, parameters = _with_constants(*compiler.as_sql())
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
            width=len(columns),
            told_apart_by=sorted({one.name for one in parameters if isinstance(one, Given)} - {"now"}),
        )
        return self._made


def _with_constants(sql: str, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Put what never differs into the statement: a plan for all values can use an index of some rows only if it reads
    there which. There are no values of anyone's, just those that the query was written with.
    """
    parts, left = sql.split("%s"), []
    written = parts[0]
    for value, part in zip(parameters, parts[1:], strict=True):
        constant = value.value if isinstance(value, Enum) else value
        if isinstance(constant, bool | int | str):
            written += psycopg.sql.Literal(constant).as_string(None).replace("%", "%%") + part
        else:
            written += "%s" + part
            left.append(value)
    return written, tuple(left)


def _row(made: _Made, values: list[Any], connection: Any) -> Any:
    """Return the row as Django's own ModelIterable does, but for its signals: nobody listens to rows being read."""
    for place, converters, column in made.converters:
        for convert in converters:
            values[place] = convert(values[place], column, connection)
    row = _of_columns(made.model, made.names, values[made.own], made.using)
    for related in made.related:
        _populate(related, values, row)
    for name, place in made.reckoned:
        setattr(row, name, values[place])
    return row


def _of_columns(model: type[Model], names: Sequence[str], values: Sequence[Any], using: str) -> Any:
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, using
    row.__dict__.update(zip(names, values, strict=True))
    return row


def _populate(related: Any, values: list[Any], row: Any) -> None:
    """Put the row's related row where Django's own RelatedPopulator does."""
    theirs = values[related.cols_start : related.cols_end]
    if theirs[related.pk_idx] is None:
        related.local_setter(row, None)
        return
    found = _of_columns(related.model_cls, related.init_list, theirs, related.db)
    for further in related.related_populators:
        _populate(further, values, found)
    related.local_setter(row, found)
    related.remote_setter(found, row)


class AtOnce:
    """Several Ready queries of at most one row each, asked by one statement."""

    def __init__(self, *queries: Ready[Any]) -> None:
        self._queries = queries
        self._sql = ""

    def first(self, **values: Any) -> list[Any]:
        """Return the row of each query, or None where it has none. One query. Raises KeyError without a value."""
        made = [query.made for query in self._queries]
        self._sql = self._sql or _side_by_side([one.sql for one in made])
        connection = connections[made[0].using]
        with often(connection.cursor()) as cursor:
            cursor.execute(self._sql, [one for query in made for one in query.filled(values)])
            answer = list(cursor.fetchone())
        rows, begins = [], 0
        for one in made:
            found, begins = answer[begins], begins + 1
            rows.append(_row(one, answer[begins : begins + one.width], connection) if found else None)
            begins += one.width
        return rows


def _side_by_side(statements: Sequence[str]) -> str:
    joined = " ".join(  # what Django has made, nobody's words
        f"LEFT JOIN (SELECT true, * FROM ({sql}) AS asked_{number}) AS row_{number} ON true"  # noqa: S608
        for number, sql in enumerate(statements)
    )
    return f"SELECT {', '.join(f'row_{number}.*' for number in range(len(statements)))} FROM (SELECT) AS one {joined}"  # noqa: S608 - made by Django


_AHEAD: ContextVar[dict[Any, Any] | None] = ContextVar("read_ahead", default=None)


@contextmanager
def answered(ahead: Iterable[tuple[Ready[Any], Mapping[str, Any], Any]]) -> Iterator[None]:
    """Let these questions be answered by what was read ahead, each once: who asks again wants to know it anew."""
    token = _AHEAD.set({_question(query, values): row for query, values, row in ahead})
    try:
        yield
    finally:
        _AHEAD.reset(token)


def _question(query: Ready[Any], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a question from others. The moment of asking (`now`) does not: a request is one moment."""
    return (query, *[values[name] for name in query.made.told_apart_by])
