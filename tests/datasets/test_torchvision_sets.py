"""The data sets that torchvision knows: small ones in their place, from a loopback mirror, by torchvision's classes."""

import bz2
import gzip
import hashlib
import io
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
import torch

from service import datasets
from service.datasets import Dataset, Split
from service.errors import DatasetUnavailableError
from service.torchvision_operators import import_torchvision_datasets

TRAIN, TEST = 20, 10


@dataclass(frozen=True)
class Offered:
    """A small data set: the archives it is fetched as, by their paths on a mirror, and what must come out of them."""

    name: str
    archives: dict[str, bytes]
    expected: Dataset


def made_up(size: int) -> Dataset:
    generator = torch.Generator().manual_seed(size)
    images = torch.randint(0, 256, (TRAIN + TEST, size, size), generator=generator).to(torch.uint8)
    labels = torch.arange(TRAIN + TEST) % 10
    return Dataset(
        train=Split(images=images[:TRAIN], labels=labels[:TRAIN]),
        test=Split(images=images[TRAIN:], labels=labels[TRAIN:]),
    )


def idx_images(images: torch.Tensor) -> bytes:
    return struct.pack(">HBBIII", 0, 8, 3, *images.shape) + images.contiguous().numpy().tobytes()


def idx_labels(labels: torch.Tensor) -> bytes:
    return struct.pack(">HBBI", 0, 8, 1, len(labels)) + labels.to(torch.uint8).numpy().tobytes()


def qmnist_labels(labels: torch.Tensor) -> bytes:
    rows = b"".join(struct.pack(">8i", int(label), 4, 100_000, 2, 30, 40, 0, 0) for label in labels)
    return struct.pack(">HBBII", 0, 12, 2, len(labels), 8) + rows


def libsvm(split: Split) -> bytes:
    lines = []
    for image, label in zip(split.images, split.labels.tolist(), strict=True):
        # Half a grey value more than the image's: torchvision rounds down.
        values = ((image.flatten() + 0.5) / 255 * 2 - 1).clamp(max=1).tolist()
        lines.append(f"{label + 1} " + " ".join(f"{index}:{value:.6f}" for index, value in enumerate(values, start=1)))
    return ("\n".join(lines) + "\n").encode()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def offer_idx(name: str, class_name: str, vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    made = made_up(28)
    contents = {
        "train-images-idx3-ubyte.gz": gzip.compress(idx_images(made.train.images)),
        "train-labels-idx1-ubyte.gz": gzip.compress(idx_labels(made.train.labels)),
        "t10k-images-idx3-ubyte.gz": gzip.compress(idx_images(made.test.images)),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(idx_labels(made.test.labels)),
    }
    resources = [(file, md5(content)) for file, content in contents.items()]
    monkeypatch.setattr(getattr(vision, class_name), "resources", resources)
    return Offered(name, {f"{class_name}/raw/{file}": content for file, content in contents.items()}, made)


def offer_mnist(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    return offer_idx("mnist", "MNIST", vision, monkeypatch)


def offer_fashion_mnist(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    return offer_idx("fashion_mnist", "FashionMNIST", vision, monkeypatch)


def offer_kmnist(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    return offer_idx("kmnist", "KMNIST", vision, monkeypatch)


def offer_qmnist(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    made = made_up(28)
    contents = {
        "qmnist-train-images-idx3-ubyte.gz": gzip.compress(idx_images(made.train.images)),
        "qmnist-train-labels-idx2-int.gz": gzip.compress(qmnist_labels(made.train.labels)),
        "qmnist-test-images-idx3-ubyte.gz": gzip.compress(idx_images(made.test.images)),
        "qmnist-test-labels-idx2-int.gz": gzip.compress(qmnist_labels(made.test.labels)),
    }
    resources = {
        split: [(url, md5(contents[Path(url).name])) for url, _ in vision.QMNIST.resources[split]]
        for split in ("train", "test")
    }
    monkeypatch.setattr(vision.QMNIST, "resources", vision.QMNIST.resources | resources)
    return Offered("qmnist", {f"QMNIST/raw/{file}": content for file, content in contents.items()}, made)


def offer_emnist_digits(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    made = made_up(28)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for split, part in (("train", made.train), ("test", made.test)):
            sideways = part.images.transpose(1, 2)
            archive.writestr(f"gzip/emnist-digits-{split}-images-idx3-ubyte.gz", gzip.compress(idx_images(sideways)))
            archive.writestr(f"gzip/emnist-digits-{split}-labels-idx1-ubyte.gz", gzip.compress(idx_labels(part.labels)))
        archive.writestr("gzip/emnist-letters-mapping.txt", "not a part of the digits")
    monkeypatch.setattr(vision.EMNIST, "md5", md5(packed.getvalue()))
    return Offered("emnist_digits", {"EMNIST/raw/gzip.zip": packed.getvalue()}, made)


def offer_usps(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Offered:
    made = made_up(16)
    contents = {"usps.bz2": bz2.compress(libsvm(made.train)), "usps.t.bz2": bz2.compress(libsvm(made.test))}
    split_list = {split: [url, file, md5(contents[file])] for split, (url, file, _) in vision.USPS.split_list.items()}
    monkeypatch.setattr(vision.USPS, "split_list", split_list)
    return Offered("usps", {f"USPS/{file}": content for file, content in contents.items()}, made)


OFFERS: list[Callable[[ModuleType, pytest.MonkeyPatch], Offered]] = [
    offer_mnist,
    offer_fashion_mnist,
    offer_kmnist,
    offer_qmnist,
    offer_emnist_digits,
    offer_usps,
]


@pytest.fixture(params=OFFERS, ids=lambda offer: offer.__name__.removeprefix("offer_"))
def offered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """A small data set in the form of a large one; torchvision expects its checksums."""
    offer: Offered = request.param(import_torchvision_datasets(), monkeypatch)
    return offer


class Web:
    """Serves a folder as any plain web server does, and keeps the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        requests = self.requests

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                super().do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name it overrides has
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def put(self, archives: dict[str, bytes]) -> None:
        for path, content in archives.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "web").mkdir()
    server = Web(tmp_path / "web")
    yield server
    server.stop()


@pytest.fixture
def mirror(web: Web, offered: Offered) -> Web:
    """The web server has the archives of the data set."""
    web.put(offered.archives)
    return web


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def load(offered: Offered, data_dir: Path, web: Web) -> Dataset:
    return datasets.load(offered.name, data_dir=data_dir, mirror=web.url)


def failure(offered: Offered, data_dir: Path, web: Web) -> str:
    with pytest.raises(DatasetUnavailableError) as caught:
        load(offered, data_dir, web)
    return caught.value.message


def assert_same(found: Dataset, expected: Dataset) -> None:
    for split, wanted in ((found.train, expected.train), (found.test, expected.test)):
        assert torch.equal(split.images, wanted.images)
        assert torch.equal(split.labels, wanted.labels)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_every_data_set_that_is_not_bundled_is_tested_here() -> None:
    tested = {offer.__name__.removeprefix("offer_") for offer in OFFERS}
    assert tested == {name for name in datasets.names() if not datasets.facts(name).bundled}


def test_what_is_missing_comes_from_the_mirror_and_is_read(offered: Offered, mirror: Web, data_dir: Path) -> None:
    assert_same(load(offered, data_dir, mirror), offered.expected)
    assert mirror.requests == [f"/{path}" for path in offered.archives]


def test_what_is_there_is_not_asked_for_again(offered: Offered, mirror: Web, data_dir: Path) -> None:
    load(offered, data_dir, mirror)
    before = files_in(data_dir)
    mirror.stop()
    assert_same(load(offered, data_dir, mirror), offered.expected)
    assert files_in(data_dir) == before


def test_a_data_folder_is_a_mirror_for_others(offered: Offered, mirror: Web, data_dir: Path, tmp_path: Path) -> None:
    load(offered, data_dir, mirror)
    other = Web(data_dir)
    try:
        assert_same(load(offered, tmp_path / "other", other), offered.expected)
    finally:
        other.stop()


def test_only_what_is_needed_is_kept(offered: Offered, mirror: Web, data_dir: Path) -> None:
    load(offered, data_dir, mirror)
    kept = files_in(data_dir)
    assert set(kept) >= set(offered.archives)
    assert not [name for name in kept if "letters" in name]
    assert [path.name for path in data_dir.iterdir() if path.name.startswith(".")] == [f".download-{offered.name}.lock"]


def test_a_corrupt_archive_is_named_and_nothing_is_kept(offered: Offered, mirror: Web, data_dir: Path) -> None:
    path, content = list(offered.archives.items())[-1]
    mirror.put({path: content[:-1] + b"?"})
    message = failure(offered, data_dir, mirror)
    assert f"The data set {offered.name} " in message
    assert f"{mirror.url}/{path}: the file received has the MD5 checksum" in message
    assert md5(content) in message
    assert f"into ARDOISE_DATA_DIR/{Path(path).parent}." in message
    assert files_in(data_dir) == [f".download-{offered.name}.lock"]

    mirror.put({path: content})
    assert_same(load(offered, data_dir, mirror), offered.expected)


def test_a_mirror_that_is_down_is_named_and_can_be_asked_again(
    offered: Offered, mirror: Web, data_dir: Path, tmp_path: Path
) -> None:
    mirror.stop()
    message = failure(offered, data_dir, mirror)
    assert f"{mirror.url}/{next(iter(offered.archives))}: " in message
    assert "refused" in message
    assert files_in(data_dir) == [f".download-{offered.name}.lock"]

    again = Web(mirror.folder)
    try:
        assert_same(load(offered, data_dir, again), offered.expected)
    finally:
        again.stop()


def test_files_put_there_by_hand_are_used_whatever_their_checksum(
    offered: Offered, mirror: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(offered, data_dir, mirror)
    mirror.requests.clear()
    monkeypatch.undo()  # torchvision expects the real checksums again
    assert_same(load(offered, data_dir, mirror), offered.expected)
    assert mirror.requests == []


def test_a_file_that_is_there_but_broken_is_said_and_left(offered: Offered, mirror: Web, data_dir: Path) -> None:
    load(offered, data_dir, mirror)
    for name in files_in(data_dir):
        (data_dir / name).write_bytes((data_dir / name).read_bytes()[:-9])
    before = files_in(data_dir)
    message = failure(offered, data_dir, mirror)
    folder = Path(next(iter(offered.archives))).parent
    assert f"The files of the data set {offered.name} in ARDOISE_DATA_DIR/{folder} cannot be read" in message
    assert files_in(data_dir) == before


def test_without_a_mirror_the_addresses_of_torchvision_are_tried_in_turn(
    web: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = import_torchvision_datasets()
    offered = offer_mnist(vision, monkeypatch)
    web.put(offered.archives)
    monkeypatch.setattr(vision.MNIST, "mirrors", [f"{web.url}/gone/", f"{web.url}/MNIST/raw/"])
    assert_same(datasets.load("mnist", data_dir=data_dir), offered.expected)
    assert web.requests == [
        path for wanted in offered.archives for path in (f"/gone/{Path(wanted).name}", f"/{wanted}")
    ]


def test_labels_that_are_no_digits_are_refused(web: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = offer_usps(import_torchvision_datasets(), monkeypatch)
    for path, content in offered.archives.items():
        (data_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / path).write_bytes(bz2.compress(b"0" + bz2.decompress(content)[1:]))
    assert "labels must be 0..9, not -1..9" in failure(offered, data_dir, web)


def test_a_torchvision_reader_finds_the_files_by_itself(
    web: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = import_torchvision_datasets()
    offered = offer_mnist(vision, monkeypatch)
    web.put(offered.archives)
    load(offered, data_dir, web)
    assert torch.equal(vision.MNIST(root=data_dir).data, offered.expected.train.images)
