"""Cells of a CSV file."""

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(cell: str) -> str:
    """What a client named, with an apostrophe before it where a spreadsheet would compute it.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell
