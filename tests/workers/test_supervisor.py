"""How the supervisor starts its workers."""

import os
from pathlib import Path

from service.storage import workers
from tests.workers.conftest import Bench
from workers.supervisor import NICENESS


def test_all_threads_of_a_worker_give_way_to_the_api(shared: Bench) -> None:
    def there() -> list[int]:
        with shared.database.reading() as session:
            return [int(each.id.rpartition(":")[2]) for each in workers.listing(session).items if each.alive]

    shared.wait_until(lambda: bool(there()))
    (worker,) = there()
    tasks = Path(f"/proc/{worker}/task")  # on Linux each thread has a niceness of its own
    threads = [int(each.name) for each in tasks.iterdir()] if tasks.is_dir() else [worker]
    expected = min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {expected}
