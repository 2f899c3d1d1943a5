"""What is recorded on a GPU is what is launched, or it is launched on."""

import pytest
import torch

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU: nothing was recorded")


def numbers(*, record: bool) -> list[float]:
    """A step that draws: what it has summed up after each of ten times."""
    from workers.cuda_graph import Recordings

    torch.manual_seed(0)
    total = torch.zeros(5, device="cuda")
    recordings = Recordings(state=[total])

    def step() -> None:
        total.add_(torch.rand(5, device="cuda"))

    found = []
    for _ in range(10):
        if record:
            recordings.run(step, size=5)
        else:
            step()
        found.append(total.sum().item())
    assert (recordings.replays.get(5) is not None) is record
    return found


@needs_gpu
def test_a_recorded_step_draws_what_a_launched_one_does_and_recording_draws_nothing() -> None:
    assert numbers(record=True) == numbers(record=False)


@needs_gpu
def test_a_step_that_waits_for_the_device_cannot_be_recorded_and_is_launched() -> None:
    from workers.cuda_graph import Recordings

    total = torch.zeros(1, device="cuda")
    recordings = Recordings(state=[total])
    for _ in range(4):
        recordings.run(lambda: total.add_(total.item() + 1), size=1)  # type: ignore[arg-type]
    assert recordings.replays == {1: None}
    assert total.item() == 15


@needs_gpu
def test_a_step_that_would_be_another_when_replayed_is_launched() -> None:
    from workers.cuda_graph import Recordings

    total = torch.zeros(1, device="cuda")
    recordings = Recordings(state=[total])
    counted: list[int] = []

    def step() -> None:
        counted.append(1)
        total.add_(len(counted))

    for _ in range(3):
        recordings.run(step, size=1)
    assert recordings.replays == {1: None}
