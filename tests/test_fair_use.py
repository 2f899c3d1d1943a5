"""How often an owner may ask, by a clock that stands where the test puts it."""

from service.fair_use import Rate


class Clock:
    """Seconds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_owner_may_ask_for_a_period_s_worth_at_once_and_then_evenly() -> None:
    clock = Clock()
    rate = Rate(4, seconds=60, clock=clock)
    assert [rate.wait("ana") for _ in range(6)] == [0, 0, 0, 0, 15, 15]
    clock.now += 14
    assert rate.wait("ana") == 1
    clock.now += 1
    assert [rate.wait("ana"), rate.wait("ana")] == [0, 15]
    clock.now += 3600
    assert [rate.wait("ana") for _ in range(5)] == [0, 0, 0, 0, 15]


def test_what_is_known_afterwards_is_waited_for_afterwards() -> None:
    clock = Clock()
    rate = Rate(10, seconds=1, clock=clock)
    assert rate.wait("ana") == 0
    rate.charge("ana", 99)
    assert [rate.wait("ana"), rate.wait("ben")] == [10, 0]
    clock.now += 9
    assert rate.wait("ana") == 1
    clock.now += 1
    assert rate.wait("ana") == 0
    nothing = Rate(0, seconds=1, clock=clock)
    nothing.charge("ana", 99)
    assert nothing.wait("ana") == 0


def test_nobody_waits_for_another() -> None:
    rate = Rate(1, seconds=1, clock=Clock())
    assert [rate.wait(owner) for owner in ("ana", "ana", "ben", "ben", "cleo")] == [0, 1, 0, 1, 0]


def test_nought_is_no_limit() -> None:
    rate = Rate(0, seconds=1, clock=Clock())
    assert {rate.wait("ana") for _ in range(1000)} == {0}
