"""Is it alive, and can it do its work: for those who start, watch and balance it."""

from fastapi import APIRouter

from service import readiness
from service.api.state import Live
from service.domain.health import Health

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz")
def readyz(service: Live) -> Health:
    """503 with the reasons while the database, the artifacts, room on the disk or every worker is missing."""
    readiness.require(service.database, service.settings)
    return Health()
