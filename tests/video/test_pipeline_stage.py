"""A stage gives everything once, keeps its bound, raises what went wrong, and ends its threads."""

import threading
import time

import pytest

from video.pipeline_stage import PipelineStage


def counting(start: int, stop: int):
    """Return work that yields the numbers of a range, shared out among its threads."""
    numbers, lock = iter(range(start, stop)), threading.Lock()

    def work(_):
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    return work


def breaking(_):
    yield 1
    raise OSError("the disk was pulled out")


@pytest.fixture(autouse=True)
def all_threads_end():
    before = set(threading.enumerate())
    yield
    assert {thread for thread in threading.enumerate() if thread not in before} == set()


@pytest.mark.parametrize("threads", [1, 3])
def test_everything_is_given_once(threads):
    with PipelineStage("numbers", counting(0, 100), range(threads), threads, ahead=4) as stage:
        given = list(stage)
    assert sorted(given) == list(range(100))
    if threads == 1:
        assert given == list(range(100))


def test_several_readers_share_it_out():
    given: list[list[int]] = [[], [], []]
    with PipelineStage("numbers", counting(0, 200), range(2), 2, ahead=4) as stage:
        readers = [threading.Thread(target=lambda mine=mine: mine.extend(stage)) for mine in given]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(10)
            assert not reader.is_alive()
    assert sorted(number for mine in given for number in mine) == list(range(200))


def test_it_works_no_further_ahead_than_it_may():
    done = []

    def work(_):
        for number in range(100):
            done.append(number)
            yield number

    with PipelineStage("numbers", work, range(1), 1, ahead=3) as stage:
        numbers = iter(stage)
        next(numbers)
        time.sleep(0.3)
        assert len(done) <= 1 + 3 + 1  # given, waiting, and one that finds no place


def test_an_error_in_a_thread_is_raised_to_the_reader():
    with (
        pytest.raises(OSError, match="pulled out"),
        PipelineStage("numbers", breaking, range(1), 1, ahead=3) as stage,
    ):
        list(stage)


def test_an_error_passes_through_a_stage_that_reads_another():
    with (
        pytest.raises(OSError, match="pulled out"),
        PipelineStage("first", breaking, range(1), 1, ahead=3) as first,
        PipelineStage("second", lambda _: (each for each in first), range(2), 2, ahead=3) as second,
    ):
        list(second)


def test_leaving_early_ends_threads_that_wait_for_their_reader_or_for_another_stage():
    forever = threading.Event()

    def nothing(_):
        while not forever.is_set():
            time.sleep(0.01)
            if False:
                yield

    with PipelineStage("numbers", counting(0, 1000), range(2), 2, ahead=1) as full:
        next(iter(full))
    try:
        with (
            PipelineStage("nothing", nothing, range(1), 1, ahead=1) as empty,
            PipelineStage("reading it", lambda _: (each for each in empty), range(2), 2, ahead=1),
        ):
            time.sleep(0.05)
            forever.set()
    finally:
        forever.set()


def test_what_was_left_early_is_closed():
    closed = []

    def work(_):
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    with PipelineStage("numbers", work, range(2), 2, ahead=1) as stage:
        next(iter(stage))
    assert closed == [True, True]


def test_waiting_for_the_reader_is_not_being_busy():
    with PipelineStage("quick", counting(0, 50), range(1), 1, ahead=1) as quick:
        for _ in quick:
            time.sleep(0.005)
        assert quick.busy < 0.5

    def slow(_):
        for number in range(20):
            time.sleep(0.005)
            yield number

    with PipelineStage("slow", slow, range(1), 1, ahead=1) as stage:
        list(stage)
        assert stage.busy > 0.5


def naps(job: int):
    """Yield a few items after an irregular time."""
    time.sleep(0.01 * (job * 7 % 3))
    for item in range(job % 4):
        yield job, item


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("ahead", [1, 100])
def test_ordered_items_come_as_a_plain_loop_gives_them(threads, ahead):
    jobs = [3, 1, 0, 2, 7, 6, 11, 4]
    with PipelineStage("naps", naps, jobs, threads, ahead, ordered=True) as stage:
        given = list(stage)
    assert given == [each for job in jobs for each in naps(job)]


def test_ordered_threads_work_no_further_ahead_than_they_may():
    done = []

    def work(job: int):
        for item in range(100):
            done.append((job, item))
            yield item

    with PipelineStage("numbers", work, range(8), 2, ahead=3, ordered=True) as stage:
        next(iter(stage))
        time.sleep(0.3)
        # Of the first job one was given; of each thread 3 wait, and one finds no place.
        assert len(done) <= 1 + 2 * (3 + 1)
        assert {job for job, _ in done} == {0, 1}


def test_an_ordered_error_comes_after_all_items_of_the_jobs_before_it():
    def work(job: int):
        if job == 3:
            raise OSError("the disk was pulled out")
        time.sleep(0.02)
        yield job

    given = []
    stage = PipelineStage("numbers", work, range(6), 2, ahead=4, ordered=True)

    def read():
        with stage:
            given.extend(stage)

    with pytest.raises(OSError, match="pulled out"):
        read()
    assert given == [0, 1, 2]


def test_an_ordered_stage_that_is_left_early_closes_what_it_began():
    closed = []

    def work(job: int):
        try:
            yield from range(1000)
        finally:
            closed.append(job)

    with PipelineStage("numbers", work, range(9), 2, ahead=1, ordered=True) as stage:
        next(iter(stage))
        time.sleep(0.05)
    assert sorted(closed) == [0, 1]


@pytest.mark.parametrize("ordered", [False, True])
def test_without_jobs_there_are_no_items(ordered):
    with PipelineStage("nothing", naps, [], 2, ahead=1, ordered=ordered) as stage:
        assert list(stage) == []
