"""What a handler that looks into a network is given: the network, and the image that was sent with the request."""

from typing import Annotated

from fastapi import Depends, Query, Response

from service import looking
from service.api import image_bodies
from service.api.image_bodies import OneImage
from service.api.parameters import CheckpointChoice, ExperimentId
from service.api.state import Live
from service.domain.saliency import Pair
from service.domain.subject import OneImageRequest
from service.inference.subject import Opened, Subject

BODY_DOCUMENTATION = image_bodies.documentation(OneImageRequest, {"split": "test", "index": 17})


def _opened(experiment_id: ExperimentId, service: Live, checkpoint: CheckpointChoice = "best") -> Opened:
    return looking.open_network(service.database, service.models, experiment_id=experiment_id, checkpoint=checkpoint)


Network = Annotated[Opened, Depends(_opened)]
"""That of the checkpoint; 404 and 409 as for predictions."""


def _subject(network: Network, sent: Annotated[OneImage, Depends(image_bodies.one_image)], service: Live) -> Subject:
    return looking.with_image(network, sent(), database=service.database, settings=service.settings)


WithImage = Annotated[Subject, Depends(_subject)]
"""The network with the one image of the body before it."""

Layer = Annotated[str | None, Query(min_length=1, max_length=200, description="A layer's name, as the ledger has it")]


async def _pair(
    digit: Annotated[int | None, Query(ge=0, le=10_000, description="Default: the digit that is read")] = None,
    against: Annotated[int | None, Query(ge=0, le=10_000, description="Default: the runner-up")] = None,
) -> Pair:
    return Pair(digit=digit, against=against)


Asked = Annotated[Pair, Depends(_pair)]


def as_png(content: bytes) -> Response:
    """The picture as an answer."""
    return Response(content, media_type="image/png")
