"""What can be set from outside, read once at start. The README's table is tested against this class."""

import os
from enum import StrEnum
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.domain.retention import Bytes, Days


class LogFormat(StrEnum):
    """`text` for people, `json` for machines: one object a line."""

    TEXT = "text"
    JSON = "json"


class Settings(BaseSettings):
    """Environment variables with the prefix `ARDOISE_`."""

    model_config = SettingsConfigDict(env_prefix="ARDOISE_", frozen=True)

    home: Annotated[Path, Field(description="Folder of the database and of all artifacts")] = Path(".ardoise")
    database_url: Annotated[
        str | None, Field(description="SQLAlchemy URL, SQLite or `postgresql+psycopg://`; unset: SQLite in the home")
    ] = None
    artifacts: Annotated[
        Path | None, Field(description="Folder of the checkpoints; unset: `artifacts` in the home")
    ] = None
    data_dir: Annotated[
        Path | None, Field(description="Folder of the data sets, in torchvision's layout; unset: `data` in the home")
    ] = None
    dataset_mirror: Annotated[
        str | None, Field(description="Base URL to download data sets from in place of their own hosts")
    ] = None
    labs_dir: Annotated[
        Path | None, Field(description="Folder of further lab sheets (`*.yaml`), beside the bundled ones; unset: none")
    ] = None
    host: Annotated[str, Field(description="Address to listen on")] = "127.0.0.1"
    allowed_hosts: Annotated[
        str | None,
        Field(
            description="Names, with commas between, under which it is asked for beside this machine's own and any "
            "address; `*`: any"
        ),
    ] = None
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on")] = 8000
    api_processes: Annotated[
        int, Field(ge=1, le=64, description="Processes that answer requests, behind one port and beside the workers")
    ] = 1
    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0, le=256)],
        Field(
            description="Worker processes that `serve` keeps; `auto`: one a core, or one for a GPU; 0: the API alone"
        ),
    ] = "auto"
    torch_threads: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, le=256)],
        Field(description="Most threads that a run is given where it is worth them; `auto`: cores divided by workers"),
    ] = "auto"
    lease_seconds: Annotated[
        float, Field(ge=1, le=3600, description="A worker that has not been heard of for so long has lost its run")
    ] = 15.0
    max_failures: Annotated[
        int, Field(ge=1, le=100, description="Attempts in a row without progress after which a run ends as `failed`")
    ] = 3
    stall_seconds: Annotated[
        float,
        Field(ge=1, description="A run that has not gone on for so long is taken from its worker, which is ended"),
    ] = 1800.0
    keep_days: Annotated[
        Days | None, Field(description="Weights of runs that ended so many days ago are removed; unset: none for that")
    ] = None
    keep_bytes: Annotated[
        Bytes | None,
        Field(description="Weights of the runs that ended first go while all have more bytes; unset: none for that"),
    ] = None
    min_free_bytes: Annotated[
        int,
        Field(ge=0, description="While a disk has fewer bytes free, waiting runs are not begun; 0: they always are"),
    ] = 512 * 1024 * 1024
    owner_queued: Annotated[
        int, Field(ge=0, description="Runs that one owner of tokens may have waiting; 0: any number")
    ] = 2_000
    owner_running: Annotated[
        int, Field(ge=0, description="Runs of one owner that are in training at once; 0: any number")
    ] = 0
    owner_submissions: Annotated[
        int,
        Field(ge=0, description="Runs, sweeps and evaluations that one owner may send in a minute; 0: any number"),
    ] = 120
    owner_predictions: Annotated[
        int, Field(ge=0, description="Images that one owner may show to networks in a second; 0: any number")
    ] = 1_000
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body")] = 16 * 1024 * 1024
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe level logged")
    ] = "info"
    log_format: Annotated[LogFormat, Field(description="`text` or `json`")] = LogFormat.TEXT

    @cached_property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'ardoise.db'}"

    @cached_property
    def artifacts_dir(self) -> Path:
        """Where checkpoints lie."""
        return (self.artifacts or self.home / "artifacts").resolve()

    @cached_property
    def datasets_dir(self) -> Path:
        """Where data sets lie."""
        return (self.data_dir or self.home / "data").resolve()

    @cached_property
    def cache_dir(self) -> Path:
        """Where data sets lie decoded; it may be deleted at any time."""
        return (self.home / "cache").resolve()

    @cached_property
    def counts_dir(self) -> Path:
        """Where processes count what they do; it may be deleted while none runs."""
        return (self.home / "counts").resolve()

    @cached_property
    def host_names(self) -> frozenset[str]:
        """The allowed hosts, in small letters."""
        return frozenset(each.strip().lower() for each in (self.allowed_hosts or "").split(",") if each.strip())

    @property
    def worker_count(self) -> int:
        """Worker processes that `serve` keeps; several on one GPU would take turns instead of sharing its time."""
        if self.workers == "auto":
            return 1 if has_gpu() else cores()
        return self.workers

    def threads(self, *, workers: int) -> int:
        """Threads that one of `workers` processes computes with."""
        return max(1, cores() // max(1, workers)) if self.torch_threads == "auto" else self.torch_threads


def cores() -> int:
    """Cores that this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_gpu(devices: Path = Path("/dev")) -> bool:
    """True where there is an NVIDIA GPU, and a torch that is built for one; to ask torch itself would take seconds."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
    return not hidden and (devices / "nvidia0").exists() and not version("torch").endswith("+cpu")
