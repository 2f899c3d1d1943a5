"""What a token must allow for each route, beside being valid. A route that nothing here names is guarded most.

Reading is for everybody. A method that can change something needs, unless it is listed here, a token that may change
what the path names.
"""

import re
from collections.abc import Mapping

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.api import credentials, quotas, state
from service.domain.access import Action, Token
from service.errors import ForbiddenError
from service.storage import Session, owners

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_EXPERIMENT, _OF_MODEL = "/v1/experiments/{experiment_id}", "/v1/models/{model}"
READ = frozenset(
    {
        "/v1/specs/preview",
        f"{_OF_EXPERIMENT}/predictions",
        f"{_OF_EXPERIMENT}/activations",
        f"{_OF_EXPERIMENT}/activations.png",
        f"{_OF_EXPERIMENT}/activations/position",
        f"{_OF_EXPERIMENT}/saliency",
        f"{_OF_EXPERIMENT}/saliency.png",
        f"{_OF_EXPERIMENT}/contributions",
        f"{_OF_EXPERIMENT}/contributions.png",
        f"{_OF_MODEL}/predictions",
        "/v2/models/{model}/infer",
        "/v2/models/{model}/versions/{version}/infer",
    }
)
"""POSTs that only answer: an image is shown to a network, or a spec is described."""
_NETWORKS = re.compile("|".join(re.sub("{[a-z_]+}", "[^/]+", each) for each in READ if "{" in each))
ADD = frozenset(
    {
        "/v1/experiments",
        "/v1/sweeps",
        "/v1/labs/{name}/runs",
        f"{_OF_EXPERIMENT}/reproduce",
        f"{_OF_EXPERIMENT}/evaluations",
        f"{_OF_EXPERIMENT}/notes",
        "/v1/shares",
    }
)
"""POSTs that make something new, the caller's own, of whatever is there."""
WORK = ADD - {f"{_OF_EXPERIMENT}/notes", "/v1/shares"} | {f"{_OF_EXPERIMENT}/continue"}
"""Those that workers have to do with."""
ADMINISTER = frozenset({"/v1/tokens", "/v1/tokens/{token_id}"})
"""Reading included."""
TO_EVERYBODY = frozenset({"/v1/session"})
"""Signing in and out."""


def action(method: str, path: str) -> Action:
    """What a request is about, by its route."""
    if path in ADMINISTER:
        return Action.ADMINISTER
    if method in SAFE or path in TO_EVERYBODY or (method == "POST" and path in READ):
        return Action.READ
    return Action.ADD if method == "POST" and path in ADD else Action.CHANGE


def asks_a_network(path: str) -> bool:
    """True where a POST to this path shows an image to a network."""
    return _NETWORKS.fullmatch(path) is not None


async def require(request: Request) -> None:
    """A dependency of the whole app: `ForbiddenError` where the token does not allow what is asked."""
    token = credentials.bearer(request.scope)
    if token is None:
        return
    path = request.scope["route"].path_format
    asked = action(request.method, path)
    if request.method == "POST" and path in WORK and not token.read_only:
        quotas.require_turn(state.of(request.app).submissions, token, what="submissions")
    if token.may(asked):
        return
    if token.read_only or asked is not Action.CHANGE:
        only = "only reads" if token.read_only else f"is a {token.role}'s"
        raise ForbiddenError(f"this token {only}: it may not do this")
    await run_in_threadpool(_require_owner, request, token)


def _require_owner(request: Request, token: Token) -> None:
    with state.of(request.app).database.reading() as session:
        require_owner(session, token, request.path_params)


def require_owner(session: Session, token: Token | None, named: Mapping[str, str]) -> None:
    """`ForbiddenError` where the token may not change what these parameters of a path name, if that is there."""
    belongs = owners.of(session, named)
    if token is not None and belongs is not None and not token.may(Action.CHANGE, belongs):
        others = ", ".join(sorted(repr(each) for each in belongs if each is not None)) or "nobody"
        raise ForbiddenError(f"this belongs to {others}: the token of {token.owner!r} changes what is their own")
