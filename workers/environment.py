"""What the numbers of a run depend on besides its spec."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

from service.domain.spec import Device, Precision
from service.errors import DeviceUnavailableError

DECIDING = ("torch", "cpu_capability", "threads", "shares", "device", "device_name", "cudnn")
"""Facts that can change the last bits of a result."""


def choose_device(asked: Device) -> torch.device:
    """The device asked for; `auto` is a GPU where there is one. `DeviceUnavailableError` where it is not there."""
    available = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if asked is Device.AUTO:
        return torch.device("cuda" if available[Device.CUDA] else "cpu")
    if not available[asked]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise DeviceUnavailableError(f"device {asked.value!r} is not on this machine; there is: {there}")
    return torch.device(asked.value)


def require(precision: Precision, device: torch.device) -> None:
    """`DeviceUnavailableError` where the device has no arithmetic of that precision, and would be slower for it."""
    if precision is Precision.BF16 and not has_bf16(device):
        raise DeviceUnavailableError(
            f"precision 'bf16' is not for this machine's {device.type}, which has no such arithmetic; there is: fp32"
        )


def has_bf16(device: torch.device) -> bool:
    """True where the device computes with bf16 numbers itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def describe(device: torch.device) -> dict[str, Any]:
    """The facts as they are now, in this process."""
    facts = {
        "ardoise": version("ardoise"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
    }
    if device.type == "cuda":
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # torch's stubs have no types
    return facts


def same_numbers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where a run that changes from one to the other goes on bit for bit."""
    return all(one.get(fact) == other.get(fact) for fact in DECIDING)
