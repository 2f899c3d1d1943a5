"""Numbers and fixed words in the language of a report.

French sets a comma before decimals, and divides thousands, and a number from its per cent sign, by a space that does
not break (Imprimerie nationale, "Lexique des règles typographiques").
"""

import re
from dataclasses import dataclass
from typing import Protocol

from service.domain.comparison import Estimate
from service.domain.experiment import State
from service.domain.lab import Language

THIN, HARD = "\u202f", "\u00a0"
_BEFORE_TALL, _BEFORE_SIGN = re.compile(r" (?=[;?!])"), re.compile(r" (?=[:»%])|(?<=«) ")
DASH = "–"

_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w|\s)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Said(Protocol):
    """A record with the same text in both languages."""

    @property
    def en(self) -> str: ...
    @property
    def fr(self) -> str: ...


STATES = {
    State.QUEUED: ("waiting", "en attente"),
    State.RUNNING: ("running", "en cours"),
    State.COMPLETED: ("completed", "terminé"),
    State.FAILED: ("failed", "en échec"),
    State.CANCELLED: ("cancelled", "annulé"),
}


@dataclass(frozen=True)
class Words:
    """All that is said goes through one of these."""

    language: Language

    def pick(self, en: str, fr: str) -> str:
        """The one of the two, with its apostrophes; French with spaces that do not break before and after its signs."""
        if self.language == "en":
            return _APOSTROPHE.sub("’", en)
        return _BEFORE_TALL.sub(THIN, _BEFORE_SIGN.sub(HARD, _APOSTROPHE.sub("’", fr)))

    def given(self, text: str) -> str:
        """What is in the report's language already, set as it is here."""
        return self.pick(text, text)

    def of(self, text: Said) -> str:
        """The same of a record."""
        return self.pick(text.en, text.fr)

    def integer(self, value: int) -> str:
        """With its thousands divided."""
        return self._local(f"{value:,}")

    def decimal(self, value: float | None, places: int = 4) -> str:
        """A dash where there is no finite number."""
        return DASH if value is None else self._local(f"{value:,.{places}f}")

    def compact(self, value: float | None, digits: int = 3) -> str:
        """So many digits that count, with an exponent where it needs one."""
        if value is None:
            return DASH
        if 1000 <= abs(value) < 1_000_000 and float(value).is_integer():
            return self.integer(int(value))
        mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
        power = f" × 10{str(int(exponent)).translate(_RAISED)}" if exponent else ""
        if power and mantissa == "1":
            return power.removeprefix(" × ")
        return self._local(mantissa) + power.replace(" ", HARD)

    def times(self, ratio: float) -> str:
        """How many times as much."""
        return self.integer(round(ratio)) if ratio >= 100 else self.compact(ratio)

    def percent(self, share: float | None, places: int = 2) -> str:
        """Of a share 0..1."""
        return DASH if share is None else self._local(f"{100 * share:.{places}f}") + f"{self.pick(THIN, HARD)}%"

    def share(self, estimate: Estimate | None) -> str:
        """The mean of shares 0..1, and the standard deviation where there are several."""
        if estimate is None:
            return DASH
        if estimate.standard_deviation is None:
            return self.percent(estimate.mean)
        return f"{self.percent(estimate.mean)} ± {self.decimal(100 * estimate.standard_deviation, 2)}"

    def points(self, difference: float, places: int = 2) -> str:
        """A difference of shares, signed, in points of a hundred."""
        return self._local(f"{100 * difference:+.{places}f}")

    def p(self, value: float) -> str:
        """A p-value, with `p` before it, all on one line."""
        return self._local("p < 0.0001" if value < 0.0001 else f"p = {value:.2g}").replace(" ", HARD)

    def state(self, state: State) -> str:
        """What has become of a run."""
        return self.pick(*STATES[state])

    def colon(self) -> str:
        """French sets a space before it."""
        return self.pick(":", f"{HARD}:")

    def _local(self, number: str) -> str:
        number = number.replace("-", "−")
        if self.language == "en":
            return number
        return number.replace(",", THIN).replace(".", ",")
