"""Examples of the answers about a network's inside while it learns; `service/api/examples.py` gathers them."""

from service.domain.diagnostics import (
    ComparedDiagnostics,
    DiagnosticsComparison,
    DiagnosticsPage,
    EpochDiagnostics,
    LayerDiagnostics,
)
from service.domain.experiment import State
from service.domain.record import Record


def records(experiment_id: str) -> tuple[Record, ...]:
    """One run, and the same one in a comparison."""
    hidden = LayerDiagnostics(
        name="hidden1",
        activation="relu",
        saturated_share=None,
        dead_share=0.0625,
        gradient_norm=0.31,
        weight_norm=9.4,
        update_ratio=0.0021,
    )
    output = hidden.model_copy(update={"name": "output", "activation": None, "dead_share": None})
    items = tuple(EpochDiagnostics(epoch=epoch, loss=0.3 / epoch, layers=(hidden, output)) for epoch in (1, 2))
    run = ComparedDiagnostics(
        experiment_id=experiment_id,
        name="mnist-mlp-relu",
        dataset="mnist",
        architecture="mlp",
        activation="relu",
        state=State.RUNNING,
        last=items[-1],
        items=items,
    )
    return (
        DiagnosticsPage(experiment_id=experiment_id, state=State.RUNNING, items=items),
        DiagnosticsComparison(epochs=(1, 2), same_images=True, runs=(run,)),
    )
