"""Pictures framed as a data set's own images are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from service.domain.dataset import Framing
from service.domain.prediction import Preprocessing
from service.inference import ink, preprocessing

MNIST = Framing(box=20, centre="mass")
DIGITS = Framing(box=8, centre="box")


def framed(image: np.ndarray, framing: Framing = MNIST, size: int = 28) -> tuple[np.ndarray, Preprocessing]:
    return preprocessing.frame(image, image_size=size, native_size=size, framing=framing)


def page(digit: np.ndarray, *, scale: int = 8, left: int = 40, top: int = 30, side: int = 200) -> np.ndarray:
    """A digit drawn bright on a dark page."""
    drawn = np.kron(digit, np.ones((scale, scale), dtype=np.uint8))
    canvas = np.zeros((side, side), dtype=np.uint8)
    canvas[top : top + len(drawn), left : left + len(drawn)] = drawn
    return canvas


grey_images = npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=40)) | npst.arrays(
    np.float32,
    npst.array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.floats(0, 255, width=32),
)


@settings(max_examples=150, deadline=None)
@given(
    image=grey_images,
    native_size=st.sampled_from([8, 16, 28]),
    image_size=st.sampled_from([8, 16, 28, 32, 64]),
    share=st.sampled_from([0.7, 1.0]),
    centre=st.sampled_from(["mass", "box"]),
)
def test_any_image_gives_a_finite_image_of_the_networks_size(
    image: np.ndarray, native_size: int, image_size: int, share: float, centre: str
) -> None:
    framing = Framing.model_validate({"box": int(native_size * share), "centre": centre})
    result, done = preprocessing.frame(image, image_size=image_size, native_size=native_size, framing=framing)
    assert result.shape == (image_size, image_size)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 255.01
    if ink.NO_INK in done.warnings:
        assert not result.any()


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 1796), left=st.integers(1, 130), top=st.integers(1, 130))
def test_where_a_digit_lies_on_the_page_changes_nothing(digits: np.ndarray, index: int, left: int, top: int) -> None:
    here, _ = framed(page(digits[index]))
    there, done = framed(page(digits[index], left=left, top=top))
    assert np.abs(here - there).mean() < 2
    assert np.abs(here - there).max() < 50
    assert done.cropped is not None
    assert done.cropped[0] >= left
    assert done.cropped[1] >= top


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 1796), scale=st.sampled_from([5, 12, 20]))
def test_how_large_a_digit_is_drawn_changes_little(digits: np.ndarray, index: int, scale: int) -> None:
    small, _ = framed(page(digits[index], scale=8))
    large, _ = framed(page(digits[index], scale=scale, side=260))
    assert np.abs(small - large).mean() < 5


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 1796), framing=st.sampled_from([MNIST, DIGITS]))
def test_dark_on_light_is_light_on_dark(digits: np.ndarray, index: int, framing: Framing) -> None:
    size = 28 if framing is MNIST else 8
    for image in (page(digits[index]), digits[index]):
        bright, done = framed(image, framing, size)
        dark, done_too = framed(255 - image, framing, size)
        assert (bright == dark).all()
        assert (done.inverted, done_too.inverted) == (False, True)
        assert done.cropped == done_too.cropped


def test_the_data_sets_own_images_pass_untouched(digits: np.ndarray) -> None:
    for image in digits:
        result, done = framed(image, DIGITS, 8)
        assert (result == image).all()
        assert done == Preprocessing(inverted=False, cropped=None, warnings=())


def test_images_in_another_unit_are_stretched_and_stay_in_place(digits: np.ndarray) -> None:
    result, done = framed(digits[0] / 16, DIGITS, 8)
    assert np.abs(result - digits[0] * (255 / digits[0].max())).max() < 0.01
    assert done.cropped is None
    assert done.warnings == (ink.LOW_CONTRAST,)


def test_ink_is_scaled_to_the_box_and_its_mass_is_centred(digits: np.ndarray) -> None:
    for image in digits[:30]:
        result, done = framed(page(image))
        assert done.centred == "mass"
        rows, columns = np.nonzero(result > 64)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1.1)
        mass = result.sum()
        assert (result.sum(1) @ np.arange(28)) / mass == pytest.approx(14, abs=0.1)
        assert (result.sum(0) @ np.arange(28)) / mass == pytest.approx(14, abs=0.1)
        assert result.max() == pytest.approx(255, abs=0.1)


def test_the_box_is_centred_where_the_framing_says_so(digits: np.ndarray) -> None:
    for image in digits[:30]:
        result, done = framed(page(image), Framing(box=12, centre="box"), 16)
        assert done.centred == "box"
        left, top, width, height = ink.bounds(result > 64) or (0, 0, 0, 0)
        assert left + width / 2 == pytest.approx(8, abs=1)
        assert top + height / 2 == pytest.approx(8, abs=1)


def test_the_aspect_ratio_is_kept() -> None:
    bar = np.zeros((120, 120), dtype=np.uint8)
    bar[20:100, 50:70] = 255
    _, _, width, height = ink.bounds(framed(bar)[0] > 127) or (0, 0, 0, 0)
    assert height == pytest.approx(20, abs=1)
    assert width == pytest.approx(5, abs=1)
    assert framed(bar)[1].cropped == (50, 20, 20, 80)


def test_the_box_grows_with_the_image_size(digits: np.ndarray) -> None:
    result, _ = preprocessing.frame(page(digits[3]), image_size=56, native_size=28, framing=MNIST)
    _, _, width, height = ink.bounds(result > 127) or (0, 0, 0, 0)
    assert max(width, height) == pytest.approx(40, abs=1)


def test_a_test_image_is_resized_as_the_test_split_is(digits: np.ndarray) -> None:
    import torch

    from service.datasets import Split

    resized = Split(images=torch.from_numpy(digits[:50]), labels=torch.zeros(50, dtype=torch.int64)).resized(12)
    for image, expected in zip(digits[:50], resized.images.numpy(), strict=True):
        result, done = preprocessing.frame(image, image_size=12, native_size=8, framing=DIGITS)
        assert np.abs(result - expected).max() <= 1  # a half may be rounded either way
        assert done.cropped is None


def test_cropped_is_in_pixels_of_the_image_as_sent(digits: np.ndarray) -> None:
    image = page(digits[3])
    _, done = framed(image)
    _, reduced = preprocessing.frame(image, image_size=28, native_size=28, framing=MNIST, reduction=4)
    assert done.cropped is not None
    assert reduced.cropped == tuple(4 * side for side in done.cropped)


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (3, 700)])
def test_one_value_everywhere_is_a_blank(value: int, shape: tuple[int, int]) -> None:
    result, done = framed(np.full(shape, value, dtype=np.uint8))
    assert not result.any()
    assert done == Preprocessing(inverted=False, cropped=None, warnings=(ink.NO_INK,))


def test_noise_on_paper_is_a_blank() -> None:
    paper = np.random.default_rng(0).normal(180, 8, (200, 200)).clip(0, 255).astype(np.float32)
    assert framed(paper)[1].warnings == (ink.NO_INK,)


def test_grey_shaded_noisy_paper_with_dirt_gives_the_digit(digits: np.ndarray) -> None:
    random = np.random.default_rng(0)
    clean = page(digits[3], scale=12)
    expected, _ = framed(clean)
    shade = 190 + np.linspace(-30, 30, 200)[:, None] + np.linspace(20, -20, 200)
    paper = shade * (1 - 0.7 * clean / 255.0) + random.normal(0, 5, clean.shape)
    paper[180:184, 10:14] = 30
    result, done = framed(paper.clip(0, 255).astype(np.float32))
    assert done.inverted
    assert done.warnings == ()
    assert np.abs(result - expected).mean() < 8


def test_a_page_lit_from_above_is_still_a_light_page(digits: np.ndarray) -> None:
    y, x = np.indices((200, 200)) - 100
    lit = 130 + 60 * np.exp(-(x**2 + y**2) / 60**2)
    assert ink.is_dark_on_light((lit * (1 - page(digits[3]) / 255.0)).astype(np.float32))


def test_soft_edges_are_kept() -> None:
    bar = np.zeros((60, 60), dtype=np.uint8)
    bar[20:40, 30:36] = 255
    bar[20:40, [29, 36]] = 50
    result, _ = framed(bar)
    edges = result[10:18][(result[10:18] > 5) & (result[10:18] < 100)]
    assert edges.size >= 16


def test_a_lone_bright_pixel_does_not_hide_faint_ink(digits: np.ndarray) -> None:
    image = page(digits[3] // 4)
    expected, _ = framed(image)
    image[190, 190] = 255
    assert np.abs(framed(image)[0] - expected).mean() < 1


@pytest.mark.parametrize("level", [6, 30])
def test_faint_ink_is_read_with_a_warning(level: int, digits: np.ndarray) -> None:
    image = page(np.where(digits[3] > 127, 255, 0).astype(np.uint8))
    result, done = framed(np.where(image > 0, 100 + level, 100).astype(np.uint8))
    assert np.abs(result - framed(image)[0]).mean() < 1
    assert done.warnings == (ink.LOW_CONTRAST,)


def test_ink_at_the_border_is_warned_of(digits: np.ndarray) -> None:
    assert ink.TOUCHES_BORDER in framed(page(digits[3], top=0))[1].warnings
    assert framed(page(digits[3], top=9))[1].warnings == ()


def test_two_digits_are_warned_of(digits: np.ndarray) -> None:
    both = np.maximum(page(digits[0], left=20), page(digits[3], left=110))
    assert framed(both)[1].warnings == (ink.SEPARATE_SHAPES,)


def test_a_digit_of_a_few_pixels_is_warned_of() -> None:
    image = np.zeros((30, 30), dtype=np.uint8)
    image[10:15, 10] = 255
    assert framed(image)[1].warnings == (ink.TINY,)


def test_a_large_picture_is_framed_as_a_small_one(digits: np.ndarray) -> None:
    small = page(digits[3], scale=12)
    large = np.asarray(Image.fromarray(small).resize((1400, 1400), Image.Resampling.NEAREST))
    result, done = framed(large)
    assert np.abs(result - framed(small)[0]).mean() < 4
    assert done.cropped is not None
    assert math.dist(done.cropped, [7 * side for side in framed(small)[1].cropped or ()]) < 12


def test_no_image_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="two sides"):
        framed(np.zeros((0, 5)))
