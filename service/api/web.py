"""The dashboard: static files that use the public API alone, under a policy that lets them load nothing else."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service import pages
from service.api.compression import Encodings, takes_gzip
from service.pages import PageFile

POLICY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
}

router = APIRouter(include_in_schema=False)

Known = Annotated[str | None, Header(alias="If-None-Match")]


@router.api_route("/", methods=["GET", "HEAD"])
async def index(known: Known = None, encodings: Encodings = None) -> Response:
    """The page; what it shows is told by the part of its address that the browser keeps to itself."""
    return _answer(pages.find("index.html"), known=known, encodings=encodings)


@router.api_route("/web/{path:path}", methods=["GET", "HEAD"])
async def part(path: str, known: Known = None, encodings: Encodings = None) -> Response:
    """A module, a style sheet or a picture of it."""
    return _answer(pages.find(path), known=known, encodings=encodings)


def _answer(file: PageFile, *, known: str | None, encodings: str | None) -> Response:
    """Asked for anew each time and sent only where it has changed: an update of the service is one of the page, too."""
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"} | POLICY
    if file.etag in [tag.strip().removeprefix("W/") for tag in (known or "").split(",")]:
        return Response(status_code=304, headers=headers)
    if takes_gzip(encodings):
        headers["Content-Encoding"] = "gzip"
        return Response(file.compressed, headers=headers, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
