"""How tensors get to a GPU, and what it reckons with."""

import torch


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device. A GPU fetches it by itself, when it comes to it: the processor does not wait for that.

    Memory that could be paged out would have to be copied first, and waited for; torch keeps what it has pinned.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def settle() -> None:
    """What torch may choose on a GPU, for the whole process.

    Of the ways to a convolution's gradient those that add in the same order each time: so a run can be resumed to the
    bit. And `fp32` is meant: torch lets convolutions round their operands to 10 bits unless it is told not to. It is
    told in the old way: after the new one `torch.export` fails in this process.
    """
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False


def accurate(device: torch.device) -> torch.dtype:
    """What sums over an epoch are kept in; Apple's GPUs have no double precision."""
    return torch.float32 if device.type == "mps" else torch.float64
