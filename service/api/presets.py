"""Ready specs, to be submitted by name."""

from fastapi import APIRouter, Depends

from service import catalogue
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.domain.catalogue import PresetItem, PresetList

router = APIRouter(
    prefix="/v1/presets", tags=["specs"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("")
def presets() -> PresetList:
    """The presets, each with its spec written out; `{"preset": NAME}` with other fields beside it is a spec, too."""
    return catalogue.all_presets()


@router.get("/{name}")
def preset(name: str) -> PresetItem:
    """One preset."""
    return catalogue.named(catalogue.all_presets().items, name, kind="preset")
