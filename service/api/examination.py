"""What a request may ask of the digit doctor."""

from typing import Annotated

from fastapi import Depends, Query

from service import examining
from service.api import tables
from service.errors import FieldError, InvalidSpecError


async def _asked(
    *,
    doctor: Annotated[
        bool, Query(description="Say of each image whether it is a digit like those learnt from")
    ] = False,
    seen: Annotated[bool, Query(description="As `doctor`, with what the network saw as a PNG")] = False,
    abstain: Annotated[bool, Query(description="As `doctor`; `digit` is null where the verdict is `no_digit`")] = False,
    segment: Annotated[bool, Query(description="As `doctor`, of every digit on the one picture that is sent")] = False,
    chosen: tables.Chosen,
) -> examining.Asked | None:
    if not (doctor or seen or abstain or segment):
        return None
    if chosen is not tables.Format.JSON:
        detail = "the doctor answers in JSON only: leave out doctor, seen, abstain and segment, or the format"
        raise InvalidSpecError((FieldError(pointer="#/query/format", detail=detail, code="not_with_the_doctor"),))
    return examining.Asked(seen=seen, abstain=abstain, segment=segment)


Asked = Annotated[examining.Asked | None, Depends(_asked)]
"""Who answers in JSON; None: nothing."""
