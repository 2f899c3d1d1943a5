"""Examples of what is answered about the inside of a network: a perceptron before an image of four pixels."""

from service.domain.feature_maps import Activations, LayerMaps, Position
from service.domain.filters import Filters, WeightLayer, WeightTile
from service.domain.prediction import CheckpointName, Prediction, Preprocessing
from service.domain.record import Record
from service.domain.saliency import Contributions, Input, Method, Saliency, Target
from service.domain.subject import SubjectFacts

_ID = "01997c5e-9f00-7a3b-8c4d-5e6f70819203"
_CHECKPOINT = CheckpointName(name="best", epoch=2)
_LABELS = ("0", "1")
_UNTOUCHED = Preprocessing(inverted=False, cropped=None)
_PIXELS = ((0.0, 255.0), (0.0, 255.0))
_INPUT = ((-1.0, 1.0), (-1.0, 1.0))
_IMAGE = SubjectFacts(split="test", index=17, label=1, pixels=_PIXELS, mean=0.5, std=0.5, preprocessing=_UNTOUCHED)
_ZERO, _ONE = ((0.5, -0.25), (0.25, -0.5)), ((-0.5, 0.25), (-0.25, 0.5))
_OUTPUT = WeightLayer(name="output", type="Linear", weight_shape=(2, 4))
_READ = Prediction(
    digit=1,
    label="1",
    confidence=0.9,
    probabilities=(0.1, 0.9),
    logits=(-1.0, 1.2),
    preprocessing=_UNTOUCHED,
)


def records() -> tuple[Record, ...]:
    """One of each."""
    return (_filters(), _activations(), _position(), _saliency(), _contributions())


def _filters() -> Filters:
    return Filters(
        experiment_id=_ID,
        checkpoint=_CHECKPOINT,
        layers=(_OUTPUT,),
        layer=_OUTPUT,
        view="a unit's weights, laid out as its input, for input channel 0",
        channels=1,
        channel=0,
        total=2,
        offset=0,
        scale=0.5,
        minimum=-0.5,
        maximum=0.5,
        bias=(0.5, -0.3),
        tiles=(WeightTile(index=0, bias=0.5, values=_ZERO), WeightTile(index=1, bias=-0.3, values=_ONE)),
    )


def _activations() -> Activations:
    flat = (-1.0, 1.0, -1.0, 1.0)
    layers = (
        LayerMaps(
            name="flatten", type="Flatten", shape=(4,), minimum=-1, maximum=1, mean=0, zeros=0, shown=4, values=flat
        ),
        LayerMaps(
            name="output",
            type="Linear",
            shape=(2,),
            minimum=-1.0,
            maximum=1.2,
            mean=0.1,
            zeros=0,
            shown=2,
            values=_READ.logits,
        ),
    )
    return Activations(
        experiment_id=_ID, checkpoint=_CHECKPOINT, labels=_LABELS, image=_IMAGE, layers=layers, prediction=_READ
    )


def _position() -> Position:
    return Position(
        experiment_id=_ID,
        checkpoint=_CHECKPOINT,
        labels=_LABELS,
        image=_IMAGE,
        layer="output",
        type="Linear",
        map=1,
        row=0,
        column=0,
        corner=(0, 0),
        input_shape=(4,),
        output_shape=(2,),
        patch=(_INPUT,),
        kernel=(_ONE,),
        products=(((0.5, 0.25), (0.25, 0.5)),),
        bias=-0.3,
        sum=1.2,
        value=1.2,
        difference=0.0,
        then={},
    )


def _saliency() -> Saliency:
    return Saliency(
        experiment_id=_ID,
        checkpoint=_CHECKPOINT,
        labels=_LABELS,
        image=_IMAGE,
        method=Method.GRADIENT,
        target=Target.LOGIT,
        digit=1,
        against=None,
        value=1.2,
        unit="logit per grey on the scale 0..1",
        map=((-1.0, 0.5), (-0.5, 1.0)),
        minimum=-1.0,
        maximum=1.0,
        occlusion=None,
        prediction=_READ,
    )


def _contributions() -> Contributions:
    return Contributions(
        experiment_id=_ID,
        checkpoint=_CHECKPOINT,
        labels=_LABELS,
        image=_IMAGE,
        digit=1,
        against=0,
        input=Input.STANDARDISED,
        weights=((-1.0, 0.5), (-0.5, 1.0)),
        map=((1.0, 0.5), (0.5, 1.0)),
        pixels=3.0,
        bias=-0.8,
        gap=2.2,
        network_gap=2.2,
        difference=0.0,
        prediction=_READ,
    )
