"""Notes: what people write about an experiment, kept with it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service import noting
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId, NoteCursor, NoteId, Owner
from service.api.state import Live, Now, Reading, Writing
from service.domain.note import NewNote, Note, NotePage
from service.storage import notes

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/notes",
    tags=["notes"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.post("", status_code=201)
def add(
    *,
    experiment_id: ExperimentId,
    note: NewNote,
    service: Live,
    now: Now,
    response: Response,
    owner: Owner,
) -> Note:
    """Write one, in any state of the experiment; the author is who sends it.

    With an `example`, the note keeps a picture and what it is of: digits that people drew, which a network can be
    tried on later.
    """
    added = noting.write(service.database, experiment_id, note, author=owner, now=now)
    response.headers["Location"] = f"/v1/experiments/{experiment_id}/notes/{added.id}"
    return added


@router.get("")
def page(
    experiment_id: ExperimentId,
    session: Reading,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: NoteCursor = None,
) -> NotePage:
    """The newest last; with `next_cursor` as `cursor` the next page, correct while notes come and go."""
    return notes.page(session, experiment_id, limit=limit, after=cursor)


@router.get("/{note_id}")
def one(experiment_id: ExperimentId, note_id: NoteId, session: Reading) -> Note:
    """One of them."""
    return notes.get(session, experiment_id, note_id)


@router.delete("/{note_id}", status_code=204)
def delete(experiment_id: ExperimentId, note_id: NoteId, session: Writing) -> None:
    """Gone when this answers."""
    notes.delete(session, experiment_id, note_id)
