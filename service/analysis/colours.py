"""The colours of all pictures."""

CHALK, SLATE, PENCIL, RULE = "#FCFBF8", "#2B3740", "#6C7780", "#E4E2DB"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#A6488A", "#C98A00", "#4BA3D9", "#2B3740")
"""After Okabe and Ito, "Color universal design" (2008): told apart with any colour vision, darkened for chalk."""


def several(count: int) -> tuple[str, ...]:
    """The palette; when it does not suffice, steps from dark to light, which need no hue to be told apart."""
    if count <= len(PALETTE):
        return PALETTE[:count]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(colormaps["viridis"](0.9 * number / (count - 1))) for number in range(count))
