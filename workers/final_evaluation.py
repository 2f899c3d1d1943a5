"""The last look at a run: the test split, once, and the outputs by which it can be judged later."""

import torch

from service.domain.spec import ExperimentSpec
from workers.evaluation import Evaluation, evaluate
from workers.learner import Learner
from workers.recorder import Weights
from workers.training_data import TrainingData


def judge(learner: Learner, data: TrainingData, spec: ExperimentSpec) -> tuple[Evaluation, Weights]:
    """Figures of the test split, and the logits of validation and test, which `checkpoints.load_outputs` reads."""
    validation, test = (
        evaluate(
            learner.evaluated,
            split,
            mean=data.mean,
            std=data.std,
            label_smoothing=spec.loss.label_smoothing,
            shared=learner.shared,
            keep_logits=True,
        )
        for split in (data.validation, data.test)
    )
    outputs = {
        "validation.labels": data.validation.labels.cpu(),
        "validation.indices": data.validation_indices,
        "test.labels": data.test.labels.cpu(),
        "test.indices": torch.arange(len(data.test)),
    }
    for name, each in (("validation", validation), ("test", test)):
        if each.logits is not None:
            outputs[f"{name}.logits"] = each.logits
    return test, {name: tensor.contiguous() for name, tensor in outputs.items()}
