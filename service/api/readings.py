"""What weights read in the images of a request, in the form that it asks for."""

from fastapi import Request, Response
from starlette.types import Scope

from service import examining
from service.api import prediction_tables, tables
from service.api.answers import as_json
from service.api.image_bodies import pictures
from service.api.prediction_tables import Parts
from service.api.quotas import count_images
from service.api.requests import declared_bytes
from service.api.state import Service
from service.named_weights import Named


async def answer(
    service: Service, request: Request, named: Named, *, chosen: tables.Format, asked: examining.Asked | None
) -> Response:
    """Errors are those of `predicting.Predictor`; too much at once is refused before the body is read."""
    predictor, receive = service.predictor, request.receive
    with predictor.holding(declared_bytes(request.scope, most=service.settings.max_body_bytes)):
        sent = await pictures(request)
        if asked is not None:
            examined = await examining.read(
                predictor, service.acquaintance, named, pictures=sent, asked=asked, receive=receive
            )
            count_images(request.scope, len(examined.predictions))
            return as_json(examined.named(sent.names))
        if chosen is tables.Format.JSON:
            found = await predictor.read(named, sent, receive)
            count_images(request.scope, len(found.predictions))
            return as_json(found.named(sent.names))
        _, parts = await predictor.read_in_parts(named, sent, receive)
        return await prediction_tables.answer(_counted(parts, request.scope), chosen=chosen, names=sent.names)


async def _counted(parts: Parts, scope: Scope) -> Parts:
    shown = 0
    async for part in parts:
        count_images(scope, len(part), before=shown)
        shown += len(part)
        yield part
