"""Data sets that torchvision knows: its addresses, its checksums, its folders and its readers.

They lie in the data folder as torchvision's classes want them (`MNIST/raw/...`, `USPS/...`), so files that are there
already are used as they are. What is missing is downloaded by `_download` and not by torchvision, whose own download
knows no time-out, draws progress bars into the log and leaves half files; torchvision then checks and unpacks it.

**A mirror** replaces torchvision's addresses and has the layout of the data folder: the archive
`train-images-idx3-ubyte.gz` of MNIST is `<mirror>/MNIST/raw/train-images-idx3-ubyte.gz`. As the archives are kept, the
data folder of one machine, served by any web server, is a mirror for the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from service import torchvision_operators
from service.datasets._download import Archive, download, is_complete
from service.datasets._tensors import Dataset, Split
from service.errors import DatasetUnavailableError

_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AssertionError)
"""What torchvision's readers raise for files that are not what their names say."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """How torchvision holds a data set. `class_name` is in `torchvision.datasets`; paths are below the data folder."""

    class_name: str
    folder: str
    files: tuple[str, ...]
    """What torchvision reads, in `folder`."""
    archives: Callable[[Any], tuple[Archive, ...]]
    """What to download into `folder` for it, found in torchvision's class."""
    root: str = "."
    train: Mapping[str, object]
    test: Mapping[str, object]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files below the data folder."""
        return tuple(f"{self.folder}/{file}" for file in self.files)


def idx_source(class_name: str) -> Source:
    """The four IDX files of MNIST, which others have kept the names of."""
    files = tuple(f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
    return Source(
        class_name=class_name,
        folder=f"{class_name}/raw",
        files=files,
        archives=lambda vision_class: tuple(
            Archive(name=name, md5=md5, urls=tuple(f"{base}{name}" for base in vision_class.mirrors))
            for name, md5 in vision_class.resources
        ),
        train={"train": True},
        test={"train": False},
    )


def archive_at(url: str, md5: str) -> Archive:
    """An archive that is named as its address ends."""
    return Archive(name=PurePosixPath(url).name, md5=md5, urls=(url,))


def load(dataset: str, source: Source, *, data_dir: Path, mirror: str | None) -> Dataset:
    """Both splits as torchvision reads them, downloaded first where files are missing.

    Raises DatasetUnavailableError where they cannot be had or cannot be read.
    """
    vision_class = getattr(torchvision_operators.import_torchvision_datasets(), source.class_name)

    def read(folder: Path, *, unpack: bool) -> Dataset:
        root = folder / source.root
        return Dataset(
            train=_split(vision_class(root, download=unpack, **source.train)),
            test=_split(vision_class(root, download=unpack, **source.test)),
        )

    try:
        if not is_complete(data_dir / source.folder, source.files):
            archives = source.archives(vision_class)
            if mirror is not None:
                base = f"{mirror.rstrip('/')}/{source.folder}"
                archives = tuple(replace(archive, urls=(f"{base}/{archive.name}",)) for archive in archives)
            download(
                dataset,
                archives,
                data_dir=data_dir,
                folder=source.folder,
                files=source.files,
                unpack=lambda workshop: read(workshop, unpack=True),
            )
        return read(data_dir, unpack=False)
    except _UNREADABLE as error:
        raise DatasetUnavailableError(
            f"The files of the data set {dataset} in ARDOISE_DATA_DIR/{source.folder} cannot be read "
            f"({type(error).__name__}: {error}). Delete them, and they are downloaded anew."
        ) from error


def _split(vision_dataset: Any) -> Split:
    import torch

    labels = torch.as_tensor(vision_dataset.targets, dtype=torch.int64)
    if labels.ndim == 2:
        labels = labels[:, 0].contiguous()  # QMNIST: the class, before writer, form and the like
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) <= 9:
        raise ValueError(f"labels must be 0..9, not {int(labels.min())}..{int(labels.max())}")
    return Split(images=torch.as_tensor(vision_dataset.data), labels=labels)
