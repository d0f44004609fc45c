"""The simulated clock: order, virtual time, real time."""

import threading

from bridge.simulator.kernel import Kernel


def test_jobs_run_in_order_of_time_and_move_the_clock() -> None:
    kernel = Kernel(100.0)
    seen: list[tuple[str, float]] = []
    kernel.after(5, lambda: seen.append(("late", kernel.now)))
    kernel.at(102, lambda: seen.append(("early", kernel.now)))
    kernel.at(102, lambda: seen.append(("second", kernel.now)))
    assert kernel.next_due() == 102
    assert kernel.advance(104) == 2
    assert seen == [("early", 102), ("second", 102)]
    assert kernel.now == 104
    assert kernel.advance(200) == 1
    assert seen[-1] == ("late", 105)
    assert kernel.next_due() is None


def test_a_job_may_schedule_jobs_that_are_due_too() -> None:
    kernel = Kernel()
    seen: list[float] = []

    def again() -> None:
        seen.append(kernel.now)
        kernel.after(1, again)

    kernel.after(1, again)
    kernel.advance(3)
    assert seen == [1, 2, 3]


def test_time_never_goes_back() -> None:
    kernel = Kernel(50.0)
    kernel.advance(10)
    assert kernel.now == 50
    seen: list[float] = []
    kernel.at(1, lambda: seen.append(kernel.now))
    kernel.advance(50)
    assert seen == [50]


def test_the_same_seed_gives_the_same_uuids() -> None:
    first, second, other = Kernel(seed=7), Kernel(seed=7), Kernel(seed=8)
    assert [first.uuid() for _ in range(3)] == [second.uuid() for _ in range(3)]
    assert first.uuid() != other.uuid()
    assert first.uuid()[14] == "4"


def test_with_a_real_clock_a_thread_runs_what_becomes_due() -> None:
    clock = [1000.0]
    kernel = Kernel(clock=lambda: clock[0])
    stop, ran = threading.Event(), threading.Event()
    early: list[bool] = []
    kernel.after(50, ran.set)
    kernel.after(1, lambda: early.append(ran.is_set()))
    thread = threading.Thread(target=kernel.run, args=(stop,))
    thread.start()
    clock[0] = 1050.0
    kernel.after(0, lambda: None)  # a new job makes it look at the clock
    assert ran.wait(30)
    assert early == [False]
    stop.set()
    kernel.after(0, lambda: None)
    thread.join(30)
    assert not thread.is_alive()
