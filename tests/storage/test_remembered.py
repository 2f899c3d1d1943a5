"""What was read once is answered again, and never what the database does not say any more."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event

import pytest
import sqlalchemy as sa

from service.errors import NotFoundError
from service.storage import Database, Session
from service.storage.remembered import Remembered
from service.storage.tables import NoteRow
from tests.storage.conftest import NOW, PATIENCE_SECONDS, Bench


class Notes:
    """Remembers how many notes an experiment has; counts how often it was read, and can be held up while it is."""

    def __init__(self, database: Database) -> None:
        self.reads = 0
        self.before: list[int | None] = []
        self.go_on, self.has_read = Event(), Event()
        self.go_on.set()
        self.remembered = Remembered(database, self._read)

    def _read(self, session: Session, key: str, before: int | None) -> int:
        count = session.scalar(sa.select(sa.func.count()).where(NoteRow.experiment_id == key)) or 0
        self.reads += 1
        self.before.append(before)
        self.has_read.set()
        self.go_on.wait(PATIENCE_SECONDS)
        if not count:
            raise NotFoundError(f"nothing of {key}")
        return count


def write(bench: Bench, experiment_id: str) -> None:
    """One more note, by a connection of its own."""
    with bench.database.writing() as session:
        present = session.scalar(sa.select(sa.func.count()).select_from(NoteRow)) or 0
        session.add(NoteRow(id=str(present), experiment_id=experiment_id, text="seen", created_at=NOW))


def play(bench: Bench, scene: Callable[[Notes], Awaitable[None]]) -> None:
    """On an event loop of its own."""

    async def on_a_loop() -> None:
        notes = Notes(bench.database)
        await scene(notes)
        await notes.remembered.close()

    asyncio.run(on_a_loop())


def test_what_is_known_is_answered_without_a_query(sqlite_bench: Bench) -> None:
    own_id = sqlite_bench.submit()
    write(sqlite_bench, own_id)

    async def scene(notes: Notes) -> None:
        assert notes.remembered.known(own_id) is None
        assert [await notes.remembered.find(own_id) for _ in range(100)] == [1] * 100
        assert notes.remembered.known(own_id) == 1
        assert notes.reads == 1

    play(sqlite_bench, scene)


def test_what_another_connection_has_committed_is_seen_at_once(bench: Bench) -> None:
    own_id = bench.submit()
    write(bench, own_id)

    async def scene(notes: Notes) -> None:
        for expected in range(1, 20):
            assert await notes.remembered.find(own_id) == expected
            await asyncio.to_thread(write, bench, own_id)
            assert notes.remembered.known(own_id) is None
        assert notes.before == [None, *range(1, 19)]

    play(bench, scene)


def test_what_is_gone_is_not_answered(bench: Bench) -> None:
    own_id = bench.submit()
    write(bench, own_id)

    async def scene(notes: Notes) -> None:
        assert await notes.remembered.find(own_id) == 1
        await asyncio.to_thread(bench.delete, own_id)
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await notes.remembered.find(own_id)

    play(bench, scene)


def test_who_asks_after_a_change_does_not_get_what_was_being_read_before_it(bench: Bench) -> None:
    own_id = bench.submit()
    write(bench, own_id)

    async def scene(notes: Notes) -> None:
        notes.go_on.clear()
        early = asyncio.create_task(notes.remembered.find(own_id))
        await asyncio.to_thread(notes.has_read.wait, PATIENCE_SECONDS)
        await asyncio.to_thread(write, bench, own_id)
        late = [asyncio.create_task(notes.remembered.find(own_id)) for _ in range(5)]
        await asyncio.sleep(0)
        notes.go_on.set()
        assert await early == 1
        assert await asyncio.gather(*late) == [2] * 5
        assert notes.reads == 2
        assert await notes.remembered.find(own_id) == 2

    play(bench, scene)


def test_of_several_that_ask_for_the_same_while_nothing_changes_one_reads(sqlite_bench: Bench) -> None:
    own_id = sqlite_bench.submit()
    write(sqlite_bench, own_id)

    async def scene(notes: Notes) -> None:
        assert await asyncio.gather(*[notes.remembered.find(own_id) for _ in range(20)]) == [1] * 20
        assert notes.reads == 1

    play(sqlite_bench, scene)


def test_who_goes_away_takes_nobody_with_them(sqlite_bench: Bench) -> None:
    own_id = sqlite_bench.submit()
    write(sqlite_bench, own_id)

    async def scene(notes: Notes) -> None:
        notes.go_on.clear()
        first, second = [asyncio.create_task(notes.remembered.find(own_id)) for _ in range(2)]
        await asyncio.to_thread(notes.has_read.wait, PATIENCE_SECONDS)
        first.cancel()
        notes.go_on.set()
        assert await second == 1

    play(sqlite_bench, scene)
