"""Verdicts in a sentence: the numbers that each rests on, and as French writes them."""

from service.domain.comparison import OverImages
from service.report import judgements
from service.report.judgements import Judgement
from service.report.words import Words

PAIR = Judgement(
    first="ReLU", second="stack", difference=0.0118, interval=(0.0073, 0.0164), uncorrected=0.0138, p_value=0.055,
    better=None, seeds=5, pairs=4, over_seeds=0.0021,
    over_images=OverImages(images=2007, difference=0.0118, interval=(0.002, 0.021), p_value=0.0138),
)  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace("’", "'")


def test_a_difference_that_the_seeds_alone_would_call_real_says_what_the_images_say() -> None:
    assert plain(judgements.sentence(PAIR, Words("en"))) == (
        "“ReLU” is not distinguishable from “stack” (p = 0.055): 1.18 points of test accuracy, over 5 seeds (95 % "
        "interval 0.73 to 1.64; p = 0.0021) and 2,007 test images (p = 0.014); the first p after Holm's correction for "
        "the 4 pairs asked for."
    )


def test_french_has_one_point_below_two() -> None:
    said = plain(judgements.sentence(PAIR, Words("fr")))
    assert (
        "1,18 point d'exactitude en test, sur 5 graines (intervalle à 95 % : de 0,73 à 1,64 ; p = 0,0021) et " in said
    )
    assert "2 007 images de test (p = 0,014) ; le premier p corrigé" in said
    wide = PAIR._replace(difference=-0.0299, better="stack", p_value=0.001)
    assert "« stack » est meilleur que « ReLU » (p < 0,01) : 2,99 points" in plain(
        judgements.sentence(wide, Words("fr"))
    )


def test_single_networks_are_judged_without_seeds() -> None:
    single = PAIR._replace(seeds=0, pairs=1, over_seeds=None, over_images=None)
    assert "test accuracy, one run each (95 % interval 0.73 to 1.64)." in judgements.sentence(single, Words("en"))
