"""The splits of a data set, and of what a run makes of it."""

from typing import Literal

SplitName = Literal["test", "validation"]
"""What a run does not learn from, and so is judged on."""
DatasetSplit = Literal["test", "train"]
"""As the data set comes; validation is taken from `train`."""
