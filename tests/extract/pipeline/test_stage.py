"""A stage gives everything once, keeps its bound, raises what went wrong, and ends its threads."""

import threading
import time

import pytest

from extract.pipeline.stage import Stage


def counting(start: int, stop: int):
    """Return work that yields the numbers of a range, shared out among its threads."""
    numbers, lock = iter(range(start, stop)), threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    return work


def breaking():
    yield 1
    raise OSError("the disk was pulled out")


@pytest.fixture(autouse=True)
def all_threads_end():
    before = set(threading.enumerate())
    yield
    assert {thread for thread in threading.enumerate() if thread not in before} == set()


@pytest.mark.parametrize("threads", [1, 3])
def test_everything_is_given_once(threads):
    with Stage("numbers", counting(0, 100), threads, ahead=4) as stage:
        given = list(stage)
    assert sorted(given) == list(range(100))
    if threads == 1:
        assert given == list(range(100))


def test_several_readers_share_it_out():
    given: list[list[int]] = [[], [], []]
    with Stage("numbers", counting(0, 200), 2, ahead=4) as stage:
        readers = [threading.Thread(target=lambda mine=mine: mine.extend(stage)) for mine in given]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(10)
            assert not reader.is_alive()
    assert sorted(number for mine in given for number in mine) == list(range(200))


def test_it_works_no_further_ahead_than_it_may():
    done = []

    def work():
        for number in range(100):
            done.append(number)
            yield number

    with Stage("numbers", work, 1, ahead=3) as stage:
        numbers = iter(stage)
        next(numbers)
        time.sleep(0.3)
        assert len(done) <= 1 + 3 + 1  # given, waiting, and one that finds no place


def test_an_error_in_a_thread_is_raised_to_the_reader():
    with (
        pytest.raises(OSError, match="pulled out"),
        Stage("numbers", breaking, 1, ahead=3) as stage,
    ):
        list(stage)


def test_an_error_passes_through_a_stage_that_reads_another():
    with (
        pytest.raises(OSError, match="pulled out"),
        Stage("first", breaking, 1, ahead=3) as first,
        Stage("second", lambda: (each for each in first), 2, ahead=3) as second,
    ):
        list(second)


def test_leaving_early_ends_threads_that_wait_for_their_reader_or_for_another_stage():
    forever = threading.Event()

    def nothing():
        while not forever.is_set():
            time.sleep(0.01)
            if False:
                yield

    with Stage("numbers", counting(0, 1000), 2, ahead=1) as full:
        next(iter(full))
    try:
        with (
            Stage("nothing", nothing, 1, ahead=1) as empty,
            Stage("reading it", lambda: (each for each in empty), 2, ahead=1),
        ):
            time.sleep(0.05)
            forever.set()
    finally:
        forever.set()


def test_what_was_left_early_is_closed():
    closed = []

    def work():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    with Stage("numbers", work, 2, ahead=1) as stage:
        next(iter(stage))
    assert closed == [True, True]


def test_waiting_for_the_reader_is_not_being_busy():
    with Stage("quick", counting(0, 50), 1, ahead=1) as quick:
        for _ in quick:
            time.sleep(0.005)
        assert quick.busy < 0.5

    def slow():
        for number in range(20):
            time.sleep(0.005)
            yield number

    with Stage("slow", slow, 1, ahead=1) as stage:
        list(stage)
        assert stage.busy > 0.5
