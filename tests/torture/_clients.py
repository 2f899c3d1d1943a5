"""Clients that submit, repeat, cancel and read all the time, and hold the service to what it has answered."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.client import Client, ClientError, ProblemError

WRITERS, READERS = 3, 2
READ = ("/v1/experiments?limit=50", "/v1/queue", "/v1/workers")


@dataclass
class Clients:
    """Some that write and some that read, each a thread of its own, from `start` to `stop`."""

    url: str
    specs: Sequence[Mapping[str, Any]]
    chance: random.Random
    accepted: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Key -> the id that it was answered with, and which of the specs it is."""
    cancelled: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    requests: int = 0
    _calm: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        seeds = [self.chance.getrandbits(32) for _ in range(WRITERS)]
        self._threads = [threading.Thread(target=self._write, args=each) for each in enumerate(seeds)]
        self._threads += [threading.Thread(target=self._read) for _ in range(READERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing new; what was not answered is sent again until it is."""
        self._calm.set()
        for thread in self._threads:
            thread.join()

    def _write(self, who: int, seed: int) -> None:
        chance = random.Random(seed)
        number = 0
        with Client(self.url, timeout=20) as client:
            while not self._calm.wait(chance.uniform(0.05, 0.5)):
                number += 1
                self._submit(client, f"{who}-{number}", chance)

    def _submit(self, client: Client, key: str, chance: random.Random) -> None:
        which = chance.randrange(len(self.specs))
        first, second = (
            self._insist(lambda: client.submit(self.specs[which], idempotency_key=key).id) for _ in range(2)
        )
        self.accepted[key] = (first, which)
        if first != second:
            self.lost.append(f"the key {key} was answered with {first}, then with {second}")
        if chance.random() < 0.1:
            with suppress(ProblemError):  # it may have ended
                self._insist(lambda: client.cancel(first).id)
                self.cancelled.add(first)

    def _read(self) -> None:
        with httpx.Client(base_url=self.url, timeout=20, trust_env=False) as http:
            while not self._calm.wait(0.02):
                for path in READ:
                    with suppress(httpx.TransportError):
                        answer = http.get(path)
                        self.requests += 1
                        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                            self.lost.append(f"GET {path} was answered with {answer.text}")

    def _insist(self, ask: Callable[[], str]) -> str:
        """Until there is an answer; ProblemError where it is one of 4xx."""
        while True:
            self.requests += 1
            try:
                return ask()
            except ProblemError as problem:
                if problem.status < httpx.codes.INTERNAL_SERVER_ERROR:
                    raise
                self.lost.append(str(problem))
            except ClientError:
                time.sleep(0.1)
