"""Numbers and signs as each language sets them."""

from service.report.words import Words

EN, FR = Words("en"), Words("fr")


def test_english_numbers() -> None:
    assert EN.integer(1_234_567) == "1,234,567"
    assert EN.decimal(1234.5, 2) == "1,234.50"
    assert EN.percent(0.9731) == "97.31\u202f%"
    assert EN.points(-0.0123) == "−1.23"
    assert EN.compact(3.88e-6) == "3.88\u00a0×\u00a010⁻⁶"
    assert EN.p(0.00001) == "p\u00a0<\u00a00.0001"


def test_french_numbers() -> None:
    assert FR.integer(1_234_567) == "1\u202f234\u202f567"
    assert FR.decimal(1234.5, 2) == "1\u202f234,50"
    assert FR.percent(0.9731) == "97,31\u00a0%"
    assert FR.points(0.0123) == "+1,23"
    assert FR.compact(0.25) == "0,25"
    assert FR.p(0.034) == "p\u00a0=\u00a00,034"


def test_a_number_that_is_not_there_is_a_dash() -> None:
    assert {FR.decimal(None), FR.percent(None), FR.compact(None)} == {"–"}


def test_french_signs_have_spaces_that_do_not_break_and_apostrophes_are_round() -> None:
    assert FR.pick("", "« Qu'est-ce ? » : 5 % ; oui !") == (
        "«\u00a0Qu’est-ce\u202f?\u00a0»\u00a0: 5\u00a0%\u202f; oui\u202f!"
    )
    assert EN.pick("PyTorch's", "") == "PyTorch’s"
