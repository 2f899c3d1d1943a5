"""How the service is."""

from typing import Literal

from service.domain.record import Record


class Health(Record):
    """All is well; what is not is a problem with status 503."""

    status: Literal["ok"] = "ok"
