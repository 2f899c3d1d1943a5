"""A network as a package of `torch.export`, made by a process of its own.

To trace a network torch loads a hundred megabytes of compiler, takes two seconds for that, and for a while exchanges
the parameters of the network that it traces and switches of the whole process: none of it belongs where requests are
answered.
"""

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from typing import Any

from service.domain.export import CARD, ExportCard
from service.errors import NotReadyError, UnexportableError
from service.inference.models import Model

LONGEST_SECONDS = 120.0
UNEXPORTABLE = 3
"""How the process ends that could make a package, but not a faithful one."""


def write(model: Model, card: ExportCard) -> tuple[bytes, float]:
    """The package, and how far its logits are from the checkpoint's, as it was read back.

    `UnexportableError` where they are too far; `NotReadyError` where this machine is too busy to make it.
    """
    from safetensors.torch import save

    request = card.model_dump_json().encode() + b"\n" + model.manifest.model_dump_json().encode() + b"\n"
    command = [sys.executable, "-m", "service.inference.exporting.packing"]
    environment = os.environ | {"PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            command, input=request + save(dict(model.network.state_dict())), env=environment, capture_output=True,
            timeout=LONGEST_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NotReadyError((f"the package took longer than {LONGEST_SECONDS:.0f} seconds to make",)) from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == UNEXPORTABLE:
        raise UnexportableError(said.splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"the process that makes packages ended with {done.returncode}: {said[-2000:]}")
    return done.stdout, float(_card(done.stdout)["parity"])


def _card(package: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(BytesIO(package)) as files:
        (name,) = [each for each in files.namelist() if each.endswith(f"/{CARD}")]
        found: dict[str, Any] = json.loads(files.read(name))
        return found
