"""The registry: named models, their immutable versions, and aliases that say which version answers."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response

from service import registry
from service.api import permissions
from service.api.answers import as_json
from service.api.credentials import Bearer
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import AliasName, ModelName, NewAliasName, NewModelName, Owner, VersionNumber
from service.api.state import Live, Now, Reading, Writing
from service.domain.registry import Alias, AliasTarget, ModelList, ModelVersion, NewVersion, RegisteredModel
from service.storage import Session, aliases
from service.storage import registry as rows

router = APIRouter(
    prefix="/v1/models", tags=["models"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.put(
    "/{model}",
    status_code=201,
    response_model=ModelVersion,
    responses={200: {"description": "The newest version already is these weights", "model": ModelVersion}},
)
def add(
    *,
    model: NewModelName,
    request: Annotated[NewVersion, Body()],
    service: Live,
    now: Now,
    owner: Owner,
    bearer: Bearer,
) -> Response:
    """Add the weights of a checkpoint as the next version, with files of their own: it outlives its experiment.

    200 with the newest version where that is of the same epoch and weights already; 409 until there is a checkpoint.
    """

    def check(session: Session) -> None:  # when it was first asked, there may have been no such model
        permissions.require_owner(session, bearer, {"model": model})

    added, is_new = registry.add(
        service.database, service.settings.artifacts_dir, model, request, owner=owner, now=now, check=check
    )
    answer = as_json(added)
    answer.status_code = 201 if is_new else 200
    answer.headers["Location"] = added.links["self"]
    return answer


@router.get("", response_model=ModelList)
def listing(session: Reading) -> Response:
    """All models, by name, each with its newest version."""
    return as_json(rows.listing(session))


@router.get("/{model}", response_model=RegisteredModel)
def one(model: ModelName, session: Reading) -> Response:
    """A model with all its versions, the newest first."""
    return as_json(rows.get(session, model))


@router.delete("/{model}", status_code=204)
def delete(model: ModelName, service: Live) -> None:
    """Its versions and their files are gone when this answers; 409 while it has an alias."""
    registry.delete(service.database, service.settings.artifacts_dir, service.models, model)


@router.get("/{model}/versions/{version}", response_model=ModelVersion)
def one_version(model: ModelName, version: VersionNumber, session: Reading) -> Response:
    """What it is, and where it comes from."""
    return as_json(rows.version(session, model, version))


@router.delete("/{model}/versions/{version}", status_code=204)
def delete_version(model: ModelName, version: VersionNumber, service: Live) -> None:
    """Gone with its files when this answers; its number is not given again. 409 while an alias points at it."""
    registry.delete_version(service.database, service.settings.artifacts_dir, service.models, model, version)


@router.get("/{model}/aliases/{alias}")
def one_alias(model: ModelName, alias: AliasName, session: Reading) -> Alias:
    """Which version it points at, and all that happened to it."""
    return aliases.get(session, model, alias)


@router.put("/{model}/aliases/{alias}")
def set_alias(
    *,
    model: ModelName,
    alias: NewAliasName,
    target: Annotated[AliasTarget, Body()],
    session: Writing,
    now: Now,
    owner: Owner,
) -> Alias:
    """Let it point at a version from now on; `champion` is what answers where neither version nor alias is named."""
    rows.set_alias(session, model, alias, target.version, owner=owner, now=now)
    return aliases.get(session, model, alias)


@router.delete("/{model}/aliases/{alias}", status_code=204)
def delete_alias(*, model: ModelName, alias: AliasName, session: Writing, now: Now, owner: Owner) -> None:
    """The version that it points at stays."""
    rows.change_alias(session, model, alias, action="delete", owner=owner, now=now)


@router.post("/{model}/aliases/{alias}/rollback")
def roll_back(*, model: ModelName, alias: AliasName, session: Writing, now: Now, owner: Owner) -> Alias:
    """Let it point at what it pointed at before, and once more at what before that.

    409 where it never pointed at another version that is still there.
    """
    rows.change_alias(session, model, alias, action="rollback", owner=owner, now=now)
    return aliases.get(session, model, alias)
