"""Every data set of the catalogue, by what is known of it and, where it needs no download, by what it holds."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import datasets
from service.torchvision_operators import import_torchvision_datasets

NOWHERE = Path("there is no such folder")
OFFLINE = [name for name in datasets.names() if datasets.facts(name).bundled]


def test_the_catalogue_is_the_files_of_its_folder() -> None:
    promised = {"digits", "emnist_digits", "fashion_mnist", "kmnist", "mnist", "qmnist", "synthetic", "usps"}
    assert promised <= set(datasets.names())
    folder = Path(datasets.__file__).parent
    assert set(datasets.names()) == {file.stem for file in folder.glob("[!_]*.py")}


@pytest.mark.parametrize("name", datasets.names())
def test_facts_are_complete_and_fit_each_other(name: str) -> None:
    facts = datasets.facts(name)
    assert facts.title
    assert facts.description
    assert facts.source
    assert 8 <= facts.image_size <= 64
    assert 8 <= facts.framing.box <= facts.image_size
    assert len(set(facts.labels)) == 10
    assert facts.train_images > facts.test_images > 0


def test_reading_the_catalogue_imports_nothing_heavy() -> None:
    script = (
        "import json, sys\n"
        "from service import datasets\n"
        "for name in datasets.names(): datasets.facts(name)\n"
        "heavy = ('torch', 'torchvision', 'sklearn', 'numpy', 'httpx')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []


def test_only_digits_and_synthetic_need_no_download() -> None:
    assert {"digits", "synthetic"} <= set(OFFLINE)
    assert "mnist" not in OFFLINE


@pytest.mark.parametrize(("name", "class_name"), [("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_labels_are_named_as_torchvision_names_them(name: str, class_name: str) -> None:
    assert list(datasets.facts(name).labels) == getattr(import_torchvision_datasets(), class_name).classes


@pytest.mark.parametrize("name", OFFLINE)
def test_a_bundled_set_holds_what_its_facts_say(name: str) -> None:
    facts, dataset = datasets.facts(name), datasets.load(name, data_dir=NOWHERE)
    for split, count in ((dataset.train, facts.train_images), (dataset.test, facts.test_images)):
        assert split.images.shape == (count, facts.image_size, facts.image_size)
        assert torch.bincount(split.labels, minlength=10).shape == (10,)
        assert torch.bincount(split.labels).min() >= count // 11
        assert split.images.min() == 0
        assert split.images.max() == 255
    assert not NOWHERE.exists()


@pytest.mark.parametrize("name", OFFLINE)
def test_a_bundled_set_is_the_same_every_time(name: str) -> None:
    torch.manual_seed(1)
    first = datasets.load(name, data_dir=NOWHERE)
    torch.manual_seed(2)
    second = datasets.load(name, data_dir=NOWHERE)
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.test.images, second.test.images)
    assert torch.equal(first.test.labels, second.test.labels)


def test_every_fifth_image_of_a_class_of_digits_is_a_test_image() -> None:
    from sklearn.datasets import load_digits

    bundled = load_digits()
    dataset = datasets.load("digits", data_dir=NOWHERE)
    for label in range(10):
        expected = torch.as_tensor(bundled.images[bundled.target == label])[4::5]
        found = dataset.test.images[dataset.test.labels == label]
        assert torch.equal(found, (expected * 255 / 16).round().to(torch.uint8))


def test_no_image_of_digits_is_in_both_splits() -> None:
    dataset = datasets.load("digits", data_dir=NOWHERE)
    train = {image.numpy().tobytes() for image in dataset.train.images}
    assert not any(image.numpy().tobytes() in train for image in dataset.test.images)


def test_digits_fill_the_height_of_their_image() -> None:
    images = datasets.load("digits", data_dir=NOWHERE).train.images
    assert (images[:, 0].amax(dim=1) > 0).all()
    assert (images[:, -1].amax(dim=1) > 0).all()
    assert datasets.facts("digits").framing.box == 8


def test_synthetic_images_are_the_same_on_every_machine() -> None:
    dataset = datasets.load("synthetic", data_dir=NOWHERE)
    digest = hashlib.sha256(dataset.train.images.numpy().tobytes() + dataset.test.images.numpy().tobytes())
    assert digest.hexdigest() == "35e633ac2f10e916b4d50476350b4f3eff5a4542d07a5bbba3283f1038f509a4"


def test_a_perceptron_learns_synthetic_well_but_not_perfectly() -> None:
    dataset = datasets.load("synthetic", data_dir=NOWHERE)
    mean, deviation = datasets.standardisation(dataset.train.images)
    inputs, unseen = (
        (split.images.flatten(1).float() / 255 - mean) / deviation for split in (dataset.train, dataset.test)
    )
    torch.manual_seed(0)
    perceptron = nn.Linear(256, 10)
    optimizer = torch.optim.SGD(perceptron.parameters(), lr=0.05, momentum=0.9)
    for _ in range(8):
        for batch in torch.randperm(len(inputs)).reshape(-1, 200):
            optimizer.zero_grad()
            loss = functional.cross_entropy(perceptron(inputs[batch]), dataset.train.labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            optimizer.step()
    accuracy = (perceptron(unseen).argmax(dim=1) == dataset.test.labels).float().mean().item()
    assert 0.9 < accuracy < 0.99


def test_an_image_size_is_honoured_in_both_splits() -> None:
    dataset = datasets.load("digits", data_dir=NOWHERE, image_size=20)
    assert dataset.train.images.shape == (1442, 20, 20)
    assert dataset.test.images.shape == (355, 20, 20)


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"no data set 'mnits'; there are digits, .*, usps"):
        datasets.facts("mnits")
    with pytest.raises(ValueError, match="no data set '_download'"):
        datasets.load("_download", data_dir=NOWHERE)
