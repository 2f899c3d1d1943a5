"""The documentation to try out, complete without a network."""

import base64
import hashlib
import re

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs/assets"
_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

router = APIRouter(include_in_schema=False)


def assets() -> StaticFiles:
    """Swagger UI's own files, to be mounted at `ASSETS`; the package that has them serves for nothing else."""
    return StaticFiles(packages=[("fastapi_swagger", "resources")])


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Swagger UI over `/openapi.json`."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
    )
    own = " ".join(f"'sha256-{_hash(script)}'" for script in _SCRIPT.findall(bytes(page.body)))
    page.headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' {own}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "frame-ancestors 'none'"
    )
    return page


def _hash(script: bytes) -> str:
    """As a policy names a script that stands in the page."""
    return base64.b64encode(hashlib.sha256(script).digest()).decode()
