"""The optimizers' options. Names, fields and defaults follow `torch.optim`; what differs is said at the field.

`workers/update_rules.py` has their rules.
"""

from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from service.domain.record import Record

LearningRate = Annotated[float, Field(gt=0, le=1000, strict=True)]
Momentum = Annotated[float, Field(ge=0, lt=1, strict=True)]
WeightDecay = Annotated[float, Field(ge=0, le=10, strict=True)]
Beta = Annotated[float, Field(ge=0, lt=1, strict=True)]
Epsilon = Annotated[float, Field(gt=0, le=1, strict=True)]


class OptimizerOptions(Record):
    """What every optimizer has."""

    name: str
    learning_rate: LearningRate
    weight_decay: WeightDecay = 0.0


class Sgd(OptimizerOptions):
    """Stochastic gradient descent with (Nesterov's) momentum."""

    name: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.03
    momentum: Momentum = 0.9
    nesterov: Annotated[bool, Field(strict=True)] = False

    @field_validator("nesterov")
    @classmethod
    def _looks_ahead_along_a_momentum(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("momentum") == 0:
            raise PydanticCustomError("out_of_range", "needs a momentum above 0")
        return value


class Adam(OptimizerOptions):
    """Kingma and Ba, arXiv:1412.6980; weight decay is an L2 penalty."""

    name: Literal["adam"] = "adam"
    learning_rate: LearningRate = 0.001
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    epsilon: Epsilon = 1e-8


class AdamW(OptimizerOptions):
    """Adam with decoupled weight decay, arXiv:1711.05101."""

    name: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 0.001
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    epsilon: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.01


class RmsProp(OptimizerOptions):
    """Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning (2012)."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: LearningRate = 0.001
    alpha: Beta = 0.99
    momentum: Momentum = 0.0
    epsilon: Epsilon = 1e-8


class AdaGrad(OptimizerOptions):
    """Duchi, Hazan and Singer, JMLR 12 (2011)."""

    name: Literal["adagrad"] = "adagrad"
    learning_rate: LearningRate = 0.01
    epsilon: Epsilon = 1e-10


class AdaDelta(OptimizerOptions):
    """Zeiler, arXiv:1212.5701."""

    name: Literal["adadelta"] = "adadelta"
    learning_rate: LearningRate = 1.0
    rho: Beta = 0.9
    epsilon: Epsilon = 1e-6


AnyOptimizer = Sgd | Adam | AdamW | RmsProp | AdaGrad | AdaDelta
OPTIMIZERS: tuple[type[OptimizerOptions], ...] = get_args(AnyOptimizer)
