"""Arrays of numbers in an answer, by their depth; null is a value that is not finite."""

Value = float | None
Row = tuple[Value, ...]
Grid = tuple[Row, ...]
"""Rows, the top one first."""
Stack = tuple[Grid, ...]
"""Grids of one size: channels, feature maps, kernels."""
