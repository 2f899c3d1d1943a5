"""Which runs can be trained side by side, as one stack of networks."""

import hashlib
import json

from service.domain.spec import ExperimentSpec

LABELS = {"name", "tags", "priority"}


def key(spec: ExperimentSpec) -> str:
    """The same for runs that differ in nothing but seed, learning rate, weight decay, momentum, dropout and schedule.

    Whether there is any momentum or dropout is part of it: without, there is nothing to remember or to draw.
    """
    facts = spec.model_dump(mode="json", exclude={*LABELS, "seed", "schedule"})
    optimizer, architecture = facts["optimizer"], facts["architecture"]
    for varying in ("learning_rate", "weight_decay"):
        del optimizer[varying]
    for options, varying in ((optimizer, "momentum"), (architecture, "dropout")):
        if varying in options:
            options[varying] = options[varying] > 0
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
