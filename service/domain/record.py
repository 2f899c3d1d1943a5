"""The one way a record is made here."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable value; a misspelt field is an error, and so is NaN where a number is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
