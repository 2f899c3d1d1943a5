"""Has anything been committed? A cheap answer for those who ask many times a second."""

from typing import Any

from service.storage.engine import Database


class Arrivals:
    """Asks SQLite for its `data_version`, which changes with every commit of another connection: microseconds.

    https://www.sqlite.org/pragma.html#pragma_data_version. Other databases have nothing so cheap: there, it is always
    worth a look. One thread at a time may ask.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._seen: int | None = None

    def version(self) -> int | None:
        """Another number once anybody, in whatever process, has committed anything; None where that cannot be said.

        Nobody is waited for.
        """
        if not self._database.is_sqlite:
            return None
        try:
            if self._connection is None:
                self._connection = self._database.lone_connection(busy_timeout_ms=0)
            row = self._connection.execute("PRAGMA data_version").fetchone()
        except self._database.lone_errors:  # whoever looks in the usual way will find out, and say so
            return None
        return int(row[0])

    def may_be_new(self) -> bool:
        """True at first, and whenever anything was committed since the last call."""
        version = self.version()
        changed = version is None or version != self._seen
        self._seen = version
        return changed

    def look_again(self) -> None:
        """The look that the last answer led to failed: the next answer is yes."""
        self._seen = None

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
