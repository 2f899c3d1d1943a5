"""What a spec can name: data sets, augmentations, architectures, activations, optimizers, schedules."""

from fastapi import APIRouter, Depends

from service import catalogue
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.domain.catalogue import Catalogue, CatalogueItem, DatasetCatalogue, DatasetItem

router = APIRouter(
    prefix="/v1", tags=["catalogue"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("/datasets")
def datasets() -> DatasetCatalogue:
    """The data sets, with what is known of each before any of it is read."""
    return catalogue.all_datasets()


@router.get("/datasets/{name}")
def dataset(name: str) -> DatasetItem:
    """One data set."""
    return catalogue.named(catalogue.all_datasets().items, name, kind="data set")


@router.get("/augmentations")
def augmentations() -> Catalogue:
    """The augmentations, of which a data set's training images may go through several."""
    return catalogue.all_augmentations()


@router.get("/augmentations/{name}")
def augmentation(name: str) -> CatalogueItem:
    """One augmentation."""
    return catalogue.named(catalogue.all_augmentations().items, name, kind="augmentation")


@router.get("/architectures")
def architectures() -> Catalogue:
    """The architectures."""
    return catalogue.all_architectures()


@router.get("/architectures/{name}")
def architecture(name: str) -> CatalogueItem:
    """One architecture."""
    return catalogue.named(catalogue.all_architectures().items, name, kind="architecture")


@router.get("/activations")
def activations() -> Catalogue:
    """The activations, in the order in which they are taught; none has options."""
    return catalogue.all_activations()


@router.get("/activations/{name}")
def activation(name: str) -> CatalogueItem:
    """One activation."""
    return catalogue.named(catalogue.all_activations().items, name, kind="activation")


@router.get("/optimizers")
def optimizers() -> Catalogue:
    """The optimizers."""
    return catalogue.all_optimizers()


@router.get("/optimizers/{name}")
def optimizer(name: str) -> CatalogueItem:
    """One optimizer."""
    return catalogue.named(catalogue.all_optimizers().items, name, kind="optimizer")


@router.get("/schedules")
def schedules() -> Catalogue:
    """The learning-rate schedules."""
    return catalogue.all_schedules()


@router.get("/schedules/{name}")
def schedule(name: str) -> CatalogueItem:
    """One schedule."""
    return catalogue.named(catalogue.all_schedules().items, name, kind="schedule")
