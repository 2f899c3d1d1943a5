"""A cheap answer to "may there be something new?", for workers that ask many times a second."""

from service.storage.engine import Database


class Arrivals:
    """Asks SQLite for its `data_version`, which changes with every commit of another connection: microseconds.

    https://www.sqlite.org/pragma.html#pragma_data_version. Other databases have nothing so cheap: there, it is always
    worth a look.
    """

    def __init__(self, database: Database) -> None:
        """Keeps a connection of its own, outside any transaction."""
        self._connection = database.engine.raw_connection() if database.is_sqlite else None
        self._seen: int | None = None

    def may_be_new(self) -> bool:
        """True at first, and whenever anything was committed since the last call."""
        if self._connection is None:
            return True
        cursor = self._connection.cursor()
        cursor.execute("PRAGMA data_version")
        row = cursor.fetchone()
        cursor.close()
        version = int(row[0]) if row else None
        changed = version != self._seen
        self._seen = version
        return changed

    def look_again(self) -> None:
        """The look that the last answer led to failed: the next answer is yes."""
        self._seen = None

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
