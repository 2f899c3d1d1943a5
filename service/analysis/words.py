"""Sentences in English and in French, with the numbers as each language writes them.

French has a comma before decimals, and before `%`, `:`, `;`, `!` and `?` a space at which no line breaks (Lexique des
règles typographiques en usage à l'Imprimerie nationale): templates have ordinary spaces there.
"""

import re
from dataclasses import dataclass

from service.domain.curves import Remark
from service.domain.experiment import BestEpoch

NO_BREAK, NARROW, MINUS = "\u00a0", "\u202f", "\u2212"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Quantity:
    """A number as it is written, or words with numbers."""

    en: str
    fr: str

    @classmethod
    def of(cls, english: str) -> "Quantity":
        """From English, where a point is before decimals and a comma between thousands; a hyphen is a minus sign."""
        english = english.replace("-", MINUS)
        swapped = english.translate(str.maketrans(".,", f",{NARROW}"))
        return cls(english, swapped.replace("%", f"{NO_BREAK}%"))


def remark(*, en: str, fr: str, **values: Quantity | str | int) -> Remark:
    """Both templates filled in; an int that is no `Quantity` is an epoch, and a str is the same in both."""
    english = {name: value.en if isinstance(value, Quantity) else value for name, value in values.items()}
    french = {name: value.fr if isinstance(value, Quantity) else value for name, value in values.items()}
    return Remark(en=en.format(**english), fr=spaced(fr.format(**french)))


def number(value: float) -> Quantity:
    """Three significant digits; what is very large or small as a power of ten."""
    size = abs(value)
    if value and not 1e-4 <= size < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        digits = mantissa.rstrip("0").removesuffix(".")
        factor = "" if digits == "1" else f"{digits} × "
        return Quantity.of(f"{factor}10{str(int(exponent)).translate(_SUPERSCRIPTS)}")
    text = f"{value:.3g}" if size < 1000 else f"{value:,.0f}"
    return Quantity.of(f"{float(text):.10f}".rstrip("0").removesuffix(".") if "e" in text else text)


def percent(share: float) -> Quantity:
    """A share of one in per cent, one decimal below 100 of them."""
    value = 100 * share
    if abs(value) >= 1e5:
        return Quantity(f"{number(value).en}%", f"{number(value).fr}{NO_BREAK}%")
    return Quantity.of(f"{value:,.0f}%" if abs(value) >= 100 else f"{value:.1f}%")


def decimal(value: float, places: int = 2) -> Quantity:
    """So many decimals."""
    return Quantity.of(f"{value:,.{places}f}")


def points(share: float, places: int = 1) -> Quantity:
    """A difference of two shares of one, in percentage points, which it names: in French several are two or more."""
    size = decimal(100 * share, places)
    return Quantity(f"{size.en} points", f"{size.fr} {'points' if several(100 * share, places) else 'point'}")


def several(value: float, places: int) -> bool:
    """Whether French has the plural after it, written with so many decimals."""
    return round(abs(value), places) >= 2


def p_of(value: float) -> Quantity:
    """Two significant digits, with `p` before it."""
    return Quantity.of("p < 0.0001" if value < 0.0001 else f"p = {value:.2g}")


def count(whole: int) -> Quantity:
    """A number of things."""
    return Quantity.of(f"{whole:,}")


def best_of(best: BestEpoch | None) -> Quantity:
    """The accuracy of the best epoch and which it is, in brackets; nothing before there is one."""
    if best is None or best.val_accuracy is None:
        return Quantity("", "")
    accuracy = percent(best.val_accuracy)
    return Quantity(
        f" (best: {accuracy.en} at epoch {best.epoch})", f" (au mieux {accuracy.fr}, à l'époque {best.epoch})"
    )


def spaced(french: str) -> str:
    """With spaces that do not break before its signs."""
    return re.sub(r" ([;!?])", rf"{NARROW}\1", french.replace(" :", f"{NO_BREAK}:").replace(" %", f"{NO_BREAK}%"))
