"""The same for many rows, where one row's trouble must not keep the others waiting: what tasks do clinic by clinic."""

from collections.abc import Callable, Iterable
from logging import Logger
from typing import TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def do_each(rows: Iterable[Row], act: Callable[[Row], object], *, log: Logger, failed: str) -> None:
    """Do `act` with each row, in transactions of its own. What fails is logged as `failed`, with the row's id."""
    for row in rows:
        try:
            act(row)
        except Exception:
            log.exception(failed, extra={str(row._meta.model_name): row.pk})
