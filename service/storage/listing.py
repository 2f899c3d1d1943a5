"""Lists of experiments: filters, sorting, and pages that stay correct while rows are added.

A cursor is the sort value and the id of the last row that was answered (keyset pagination), so a row that is added or
removed elsewhere neither repeats nor hides another.
"""

import base64
import json
from enum import StrEnum
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from sqlalchemy.orm import Session

from service.domain.experiment import ExperimentPage, State
from service.domain.record import Record
from service.errors import FieldError, InvalidSpecError
from service.storage import recent
from service.storage.tables import ExperimentRow, TagRow


class Filters(Record):
    """Each given one must match; `name` matches any part of a name, whatever its case."""

    state: State | None = None
    dataset: str | None = None
    architecture: str | None = None
    activation: str | None = None
    tag: str | None = None
    sweep_id: str | None = None
    owner: str | None = None
    name: str | None = None


class Sort(StrEnum):
    """What a list is sorted by; a leading `-` means descending."""

    CREATED_AT = "created_at"
    CREATED_AT_DESCENDING = "-created_at"
    BEST_VAL_ACCURACY = "best_val_accuracy"
    BEST_VAL_ACCURACY_DESCENDING = "-best_val_accuracy"
    TEST_ACCURACY = "test_accuracy"
    TEST_ACCURACY_DESCENDING = "-test_accuracy"
    PARAMETERS = "parameters"
    PARAMETERS_DESCENDING = "-parameters"
    NAME = "name"
    NAME_DESCENDING = "-name"


# Ids are UUIDv7: they sort by time of creation. An accuracy that is not there yet counts as below all.
_KEYS: dict[str, sa.ColumnElement[Any]] = {
    "created_at": ExperimentRow.id.expression,
    "best_val_accuracy": sa.func.coalesce(ExperimentRow.best_val_accuracy, -1.0),
    "test_accuracy": sa.func.coalesce(ExperimentRow.test_accuracy, -1.0),
    "parameters": ExperimentRow.parameters.expression,
    "name": ExperimentRow.name.expression,
}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds what no name and no id does")
    return text


_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_Text = Annotated[str, AfterValidator(_printable)]
_TEXT, _ACCURACY = TypeAdapter[Any](_Text, config=_STRICT), TypeAdapter[Any](float, config=_STRICT)
_CONTENT = TypeAdapter(tuple[Sort, Any, _Text])
_VALUES = {
    "created_at": _TEXT,
    "best_val_accuracy": _ACCURACY,
    "test_accuracy": _ACCURACY,
    "parameters": TypeAdapter[Any](Annotated[int, Field(ge=0, lt=2**63)], config=_STRICT),
    "name": _TEXT,
}


def page(session: Session, filters: Filters, *, sort: Sort, limit: int, cursor: str | None) -> ExperimentPage:
    """One page; `InvalidSpecError` where the cursor is not one of this sort order."""
    matching = _matching(filters)
    total = session.scalar(sa.select(sa.func.count()).select_from(ExperimentRow).where(*matching)) or 0
    key, descending = _KEYS[sort.removeprefix("-")], sort.startswith("-")
    query = sa.select(ExperimentRow.id, ExperimentRow.revision, key.label("sort_key")).where(*matching)
    if cursor is not None:
        value, last_id = _decode(cursor, sort)
        here, there = sa.tuple_(key, ExperimentRow.id), sa.tuple_(sa.literal(value, key.type), sa.literal(last_id))
        query = query.where(here < there if descending else here > there)
    order = (key.desc(), ExperimentRow.id.desc()) if descending else (key, ExperimentRow.id)
    found = session.execute(query.order_by(*order).limit(limit + 1)).all()
    last = found[limit - 1] if len(found) > limit else None
    return ExperimentPage(
        items=recent.experiments(session, [(row.id, row.revision) for row in found[:limit]]),
        next_cursor=_encode(last.sort_key, last.id, sort) if last is not None else None,
        total=total,
    )


def newest_completed(session: Session, *, limit: int) -> tuple[str, ...]:
    """Ids, one of each data set that runs were completed on, the newest first."""
    newest = sa.func.max(ExperimentRow.id)
    query = sa.select(newest).where(ExperimentRow.state == State.COMPLETED).group_by(ExperimentRow.dataset)
    return tuple(session.scalars(query.order_by(newest.desc()).limit(limit)))


def _matching(filters: Filters) -> list[sa.ColumnElement[bool]]:
    exact = ("state", "dataset", "architecture", "activation", "sweep_id", "owner")
    given = {field: value for field in exact if (value := getattr(filters, field)) is not None}
    conditions: list[sa.ColumnElement[bool]] = [getattr(ExperimentRow, field) == given[field] for field in given]
    if filters.tag is not None:
        tagged = sa.select(TagRow.experiment_id).where(TagRow.tag == filters.tag)
        conditions.append(ExperimentRow.id.in_(tagged))
    if filters.name is not None:
        conditions.append(ExperimentRow.name.icontains(filters.name, autoescape=True))
    return conditions


def _encode(value: object, last_id: str, sort: Sort) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, value, last_id]).encode()).decode().rstrip("=")


def _decode(cursor: str, sort: Sort) -> tuple[Any, str]:
    """What a client sends may be anything: only what the columns can hold gets to the database."""
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        made_for, value, last_id = _CONTENT.validate_json(content)
    except ValueError as error:
        raise _bad_cursor("is not a cursor that this list has answered") from error
    if made_for != sort:
        raise _bad_cursor(f"belongs to another order than sort={sort}")
    try:
        return _VALUES[sort.removeprefix("-")].validate_python(value), last_id
    except ValueError as error:
        raise _bad_cursor("is not a cursor that this list has answered") from error


def _bad_cursor(detail: str) -> InvalidSpecError:
    return InvalidSpecError((FieldError(pointer="#/query/cursor", detail=detail, code="invalid_cursor"),))
