"""The experiment spec: everything the numbers of a run depend on, and its labels.

The short form (`{"dataset": "mnist", "architecture": "mlp"}`) and the long form are one: a string stands for the object
of that name with its defaults, and what is answered and stored is the long form.
"""

import hashlib
import json
from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from service import activations, architectures, datasets
from service.domain import presets
from service.domain.architecture import ArchitectureOptions
from service.domain.augmentations import AUGMENTATIONS, MAX_AUGMENTATIONS, AnyAugmentation
from service.domain.optimizers import AnyOptimizer, Sgd
from service.domain.record import Record
from service.domain.schedules import AnySchedule, Constant

MAX_EPOCHS = 10_000
MAX_BATCH_SIZE = 65_536
MAX_PARAMETERS = 50_000_000


def _expand(value: object) -> object:
    """A string stands for the object with that name and its defaults."""
    return {"name": value} if isinstance(value, str) else value


def _printable(text: str) -> str:
    """No control characters, no lone surrogates: what is stored can be shown, logged and put into any database."""
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "must hold printable characters only")
    return text


def _left_for_training(dataset: str, validation_fraction: float) -> int:
    images = datasets.facts(dataset).train_images
    return images - round(images * Fraction(str(validation_fraction)))


def _names(options: Iterable[type[Record]]) -> Any:
    return Literal[tuple(each.model_fields["name"].default for each in options)]


def _named(union: Any, options: Iterable[type[Record]]) -> Any:
    """A union told apart by `name`, whose members may be given as their name alone."""
    tagged = Annotated[union, Field(discriminator="name")]
    return Annotated[tagged, BeforeValidator(_expand, json_schema_input_type=Union[_names(options), tagged])]  # noqa: UP007  # made at run time


def _listed(union: Any, options: Iterable[type[Record]], *, most: int) -> Any:
    """A list of at most so many of these, or null; one alone stands for a list of it, an empty list for null."""
    one = _named(union, options)
    several: Any = Annotated[tuple[one, ...], Field(max_length=most)]  # type: ignore[valid-type]  # made at run time
    alone = TypeAdapter(one)

    def expand(value: object) -> object:
        if isinstance(value, list | tuple):
            return value or None
        return None if value is None else (alone.validate_python(value),)

    return Annotated[several | None, BeforeValidator(expand, json_schema_input_type=Union[one, several, None])]  # noqa: UP007  # made at run time


if TYPE_CHECKING:
    Architecture = ArchitectureOptions
    Optimizer = AnyOptimizer
    Schedule = AnySchedule
    Augmentations = tuple[AnyAugmentation, ...]
    ActivationName = str
    ArchitectureName = str
    DatasetName = str
else:
    from service.domain.optimizers import OPTIMIZERS
    from service.domain.schedules import SCHEDULES

    Architecture = _named(Union[architectures.options_classes()], architectures.options_classes())  # noqa: UP007  # made at run time
    Optimizer = _named(AnyOptimizer, OPTIMIZERS)
    Schedule = _named(AnySchedule, SCHEDULES)
    Augmentations = _listed(AnyAugmentation, AUGMENTATIONS, most=MAX_AUGMENTATIONS)
    ActivationName = Literal[activations.names()]
    ArchitectureName = Literal[architectures.names()]
    DatasetName = Literal[datasets.names()]

Text = Annotated[str, Field(min_length=1, max_length=200, strict=True), AfterValidator(_printable)]
Seed = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Tag = Annotated[str, Field(min_length=1, max_length=64, strict=True), AfterValidator(_printable)]


class DatasetChoice(Record):
    """Which images are learnt from, and how the training split is divided."""

    name: DatasetName
    validation_fraction: Annotated[float, Field(ge=0.01, le=0.5, strict=True)] = 0.1
    train_size: Annotated[int, Field(ge=1, strict=True)] | None = None
    image_size: Annotated[int, Field(ge=8, le=64, strict=True)] | None = None
    augmentation: Augmentations | None = None

    @field_validator("train_size")
    @classmethod
    def _no_more_than_validation_leaves(cls, value: int | None, info: ValidationInfo) -> int | None:
        name, fraction = info.data.get("name"), info.data.get("validation_fraction")
        if value is None or name is None or fraction is None:
            return value
        left = _left_for_training(name, fraction)
        if value > left:
            raise PydanticCustomError(
                "out_of_range", "must be at most {left}: that is what validation leaves for training", {"left": left}
            )
        return value

    @field_validator("augmentation")
    @classmethod
    def _moves_no_image_away(
        cls, value: tuple[AnyAugmentation, ...] | None, info: ValidationInfo
    ) -> tuple[AnyAugmentation, ...] | None:
        if "name" not in info.data or "image_size" not in info.data:
            return value
        half = (info.data["image_size"] or datasets.facts(info.data["name"]).image_size) // 2
        for each in value or ():
            if (pixels := getattr(each, "pixels", 0)) > half:
                raise PydanticCustomError(
                    "out_of_range",
                    "{name} moves by up to {pixels} pixels; at most {half} are allowed: half of an image's side",
                    {"name": each.name, "pixels": pixels, "half": half},
                )
        return value

    @property
    def most_images(self) -> int:
        """What validation leaves of the training split: what is learnt from where no `train_size` says less."""
        return _left_for_training(self.name, self.validation_fraction)

    @property
    def side(self) -> int:
        """Side in pixels of the images that the network sees."""
        return self.image_size or datasets.facts(self.name).image_size


class CrossEntropy(Record):
    """Softmax and negative log-likelihood in one, the mean over a batch."""

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.0


class Monitor(StrEnum):
    """The validation figure by which epochs are compared."""

    VAL_LOSS = "val_loss"
    VAL_ACCURACY = "val_accuracy"


class EarlyStopping(Record):
    """Stop after `patience` epochs in a row without a better `monitor`."""

    monitor: Monitor = Monitor.VAL_LOSS
    patience: Annotated[int, Field(ge=1, le=MAX_EPOCHS, strict=True)] = 5


class Keep(StrEnum):
    """Which checkpoints remain."""

    BEST_AND_LAST = "best_and_last"
    ALL = "all"
    LAST = "last"


class CheckpointPolicy(Record):
    """What is kept of the weights on the way."""

    keep: Keep = Keep.BEST_AND_LAST


if TYPE_CHECKING:
    Dataset = DatasetChoice
    Loss = CrossEntropy
else:
    Dataset = Annotated[
        DatasetChoice, BeforeValidator(_expand, json_schema_input_type=Union[DatasetName, DatasetChoice])  # noqa: UP007  # made at run time
    ]
    Loss = Annotated[
        CrossEntropy, BeforeValidator(_expand, json_schema_input_type=Union[Literal["cross_entropy"], CrossEntropy])  # noqa: UP007  # made at run time
    ]


class Device(StrEnum):
    """Where a run computes; `auto` takes the fastest that the worker has."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Precision(StrEnum):
    """What training computes in; weights, the optimizer and every evaluation are fp32 in either."""

    FP32 = "fp32"
    BF16 = "bf16"


class ExperimentSpec(Record):
    """A complete experiment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"dataset": "mnist", "architecture": "mlp", "activation": "relu", "epochs": 5},
                {
                    "dataset": {"name": "usps", "validation_fraction": 0.2},
                    "architecture": {"name": "cnn", "channels": [16, 32]},
                    "activation": "tanh",
                    "optimizer": {"name": "adam", "learning_rate": 0.002},
                    "epochs": 20,
                    "early_stopping": {"monitor": "val_loss", "patience": 3},
                    "tags": ["tp3"],
                },
                {"preset": "lab-relu", "architecture": {"hidden": [512]}, "seed": 1},
            ]
        }
    )

    name: Text
    dataset: Dataset
    architecture: Architecture
    activation: ActivationName
    optimizer: Optimizer = Sgd()
    schedule: Schedule = Constant()
    loss: Loss = CrossEntropy()
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS, strict=True)] = 10
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH_SIZE, strict=True)] = 64
    seed: Seed = 0
    early_stopping: EarlyStopping | None = None
    checkpoints: CheckpointPolicy = CheckpointPolicy()
    precision: Precision = Precision.FP32
    device: Device = Device.AUTO
    priority: Annotated[int, Field(ge=-100, le=100, strict=True)] = 0
    tags: Annotated[tuple[Tag, ...], Field(max_length=32)] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What may be sent, unlike what is answered, may begin with a preset and leave the rest to it."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if handler.mode == "validation":
            preset = {
                "description": "A ready spec, which the other fields change",
                "anyOf": [{"enum": [*presets.names()]}, {"type": "null"}],
                "default": None,
            }
            schema["properties"] = {"preset": preset, **schema["properties"]}
            del schema["required"]
            schema["anyOf"] = [{"required": ["dataset", "architecture"]}, {"required": ["preset"]}]
        return schema

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, value: object) -> object:
        """The preset, and the defaults that depend on other fields: the activation and the name."""
        if not isinstance(value, dict):
            return value
        filled = _with_preset(value)
        dataset, architecture = _name_in(filled.get("dataset")), _name_in(filled.get("architecture"))
        filled.setdefault("activation", "identity" if architecture == "perceptron" else "relu")
        if filled.get("name") is None:
            parts = (dataset, architecture, filled["activation"])
            filled["name"] = (
                "-".join(part for part in parts if isinstance(part, str) and part.isprintable())[:200] or "?"
            )
        return filled

    @property
    def spec_hash(self) -> str:
        """The SHA-256 of all that the numbers depend on: of everything but the name, the tags and the priority."""
        facts = self.model_dump(mode="json", exclude={"name", "tags", "priority"})
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _name_in(value: object) -> str | None:
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else None


def _with_preset(document: dict[str, Any]) -> dict[str, Any]:
    """ValidationError where there is no such preset: what the other fields mean depends on it."""
    preset, names = document.get("preset"), presets.names()
    if preset is not None and preset not in names:
        raise ValidationError.from_exception_data(
            ExperimentSpec.__name__,
            [{"type": "literal_error", "loc": ("preset",), "input": preset, "ctx": {"expected": ", ".join(names)}}],
        )
    return presets.expanded(document)
