"""The linear fit of logits, against scikit-learn's, image by image left out."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from service.analysis import linear_fit as module
from service.analysis.linear_fit import RIDGE, design, linear_fit


def data(images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Digits as uint8, their labels, and logits that are no linear function of the pixels."""
    digits = load_digits()
    pixels = (digits.images[:images] * 15).astype(np.uint8)
    random = np.random.default_rng(0)
    hidden = np.maximum(0, pixels.reshape(images, -1) / 255 @ random.normal(size=(64, 12)))
    return pixels, digits.target[:images].astype(np.int64), (hidden @ random.normal(size=(12, 10))).astype(np.float32)


def test_every_image_is_judged_by_the_fit_on_all_others() -> None:
    images, labels, logits = data(150)
    pixels = images.reshape(150, -1) / 255
    left_out = cross_val_predict(Ridge(alpha=RIDGE), pixels, logits.astype(float), cv=LeaveOneOut())
    found = linear_fit(design(images), logits=logits, labels=labels)
    assert found.r2 == pytest.approx(r2_score(logits, left_out, multioutput="variance_weighted"), abs=1e-5)
    assert found.r2_by_class == pytest.approx(r2_score(logits, left_out, multioutput="raw_values"), abs=1e-5)
    assert found.accuracy == (left_out.argmax(1) == labels).mean()
    assert found.network_accuracy == (logits.argmax(1) == labels).mean()
    assert found.accuracy_lost == found.network_accuracy - found.accuracy
    assert found.same_predictions == (left_out.argmax(1) == logits.argmax(1)).mean()
    assert (found.images, found.coefficients) == (150, 650)


def test_it_does_not_matter_how_many_images_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels, logits = data(150)
    whole = linear_fit(design(images), logits=logits, labels=labels)
    monkeypatch.setattr(module, "AT_ONCE", 7)
    monkeypatch.setattr(module, "EXACT", 7)
    parts = linear_fit(design(images), logits=logits, labels=labels)
    assert parts.r2 == pytest.approx(whole.r2, abs=1e-5)


def test_with_many_images_it_is_near_to_plain_least_squares() -> None:
    images, labels, logits = data(1797)
    pixels = images.reshape(1797, -1) / 255
    plain = cross_val_predict(LinearRegression(), pixels, logits.astype(float), cv=20)
    found = linear_fit(design(images), logits=logits, labels=labels)
    assert found.r2 == pytest.approx(r2_score(logits, plain, multioutput="variance_weighted"), abs=1e-2)


def test_logits_that_are_linear_are_fitted_and_nothing_is_lost() -> None:
    images, labels, _ = data(400)
    random = np.random.default_rng(0)
    logits = (images.reshape(400, -1) / 255 @ random.normal(size=(64, 10)) + random.normal(size=10)).astype(np.float32)
    found = linear_fit(design(images), logits=logits, labels=labels)
    assert found.r2 is not None
    assert found.r2 > 0.999
    assert abs(found.accuracy_lost) <= 0.01


def test_fewer_images_than_pixels_are_fitted_too_and_logits_that_do_not_vary_have_no_r2() -> None:
    images, labels, logits = data(20)
    assert linear_fit(design(images), logits=logits, labels=labels).r2 is not None
    constant = linear_fit(design(images), logits=np.ones((20, 10), np.float32), labels=labels)
    assert constant.r2 is None
    assert constant.r2_by_class == (None,) * 10
    dark = linear_fit(design(np.zeros_like(images)), logits=logits, labels=labels)
    assert dark.r2 is not None
    assert dark.r2 < 0
