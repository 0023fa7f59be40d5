"""Senders: each message once, whatever a target does. No server: a function takes its place."""

import threading
import time
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.messages import messenger as module
from live.messages.delivery import Attempt, DeliveryError, Outgoing
from live.messages.messenger import Messenger
from live.messages.sender import Times
from live.messages.targets import Target
from tests.live.messages.servers import wait_for
from video.errors import LookbackError

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Post:
    """Takes messages instead of targets.

    Attributes:
        taken: Target and message, in order.
        down: Whether every target refuses.
        refused: Labels whose messages every target refuses.
        gates: Events for which a target waits before it accepts, by its name.
        tries: Number of attempts.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, Outgoing]] = []
        self.down = False
        self.refused: set[str] = set()
        self.gates: dict[str, threading.Event] = {}
        self.began: list[str] = []
        self.tries = 0

    def __call__(self, target: Target, message: Outgoing, attempt: Attempt) -> None:
        self.tries += 1
        self.began.append(message.subject)
        if target.name in self.gates:
            self.gates[target.name].wait()
        if self.down or message.subject.split()[0] in self.refused:
            raise DeliveryError("refused")
        self.taken.append((target.name, message))

    def subjects(self, name: str = "mail") -> list[str]:
        return [message.subject for target, message in self.taken if target == name]


@pytest.fixture
def store(tmp_path: Path):
    store = EventStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post():
    return Post()


MAIL = (Target("mail", "json://host"),)


@pytest.fixture
def make(store: EventStore, clock: Clock, post: Post):
    """Return a function that starts a messenger."""
    made = []

    def start(targets=MAIL, store=store, per_hour: int = 20, **options) -> Messenger:
        messenger = Messenger(store, targets, "both", per_hour, clock, deliver=post, **options)
        messenger.start()
        made.append(messenger)
        return messenger

    yield start
    for gate in post.gates.values():
        gate.set()
    for each in made:
        each.stop()


def event(store: EventStore, label: str = "fall", silent: bool = False):
    number = store.add_event("hall", label, NOW, NOW + 1, 0.9, silent)
    return store.event(number)


def wake(messenger: Messenger) -> None:
    for each in messenger._senders:
        each.wake()


def waiting(store: EventStore) -> int:
    return len(store.waiting())


def test_an_event_is_told_to_every_target_once(store, post, make):
    messenger = make((Target("mail", "json://a"), Target("phone", "json://b")))
    row = event(store)
    assert messenger.confirmed(row)
    assert not messenger.confirmed(row)  # as after a restart
    wait_for(lambda: len(post.taken) == 2 and not waiting(store))
    assert {name for name, _ in post.taken} == {"mail", "phone"}


def test_a_silent_event_is_not_told(store, make):
    messenger = make()
    row = event(store, silent=True)
    assert not messenger.confirmed(row)
    assert not messenger.ended(row)
    assert not waiting(store)


@pytest.mark.parametrize(
    ("when", "kinds"), [("start", ["start"]), ("end", ["end"]), ("both", ["start", "end"])]
)
def test_when(store, clock, post, when, kinds):
    messenger = Messenger(store, MAIL, when, 20, clock, deliver=post)
    row = event(store)
    told = [messenger.confirmed(row)]
    store.end_event(row.id, 4.0, 0.95, 0.9)
    told += [messenger.ended(store.event(row.id))]
    assert [each.kind for each in store.waiting()] == kinds
    assert told == ["start" in kinds, "end" in kinds]


def test_the_end_brings_the_first_part_of_the_recording(store, clock, post):
    messenger = Messenger(store, MAIL, "both", 20, clock, deliver=post)
    row = event(store)
    store.set_still(row.id, "stills/1.jpg")
    messenger.confirmed(store.event(row.id))
    for part in (1, 2):
        number = store.add_recording(row.id, part, f"clips/1_{part}.mp4", NOW)
        store.finish_recording(number, NOW + 5, 1000)
    store.end_event(row.id, 4.0, 0.95, 0.9)
    messenger.ended(store.event(row.id))
    assert [each.attachment for each in store.waiting()] == ["stills/1.jpg", "clips/1_1.mp4"]


def test_an_hour_of_outage_with_a_kill_meanwhile(store, clock, post, make):
    """Each event is told exactly once; the many are summed up."""
    post.down = True
    first = make()
    for number in range(8):
        first.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries >= 8 and all(row.tries for row in store.waiting()))
    first.stop()  # nothing is written at the end: a kill leaves the same
    clock.now += 3600
    post.down = False
    make()
    wait_for(lambda: not waiting(store))
    (digest,) = post.taken
    assert [digest[1].body.count(f"label{number}") for number in range(8)] == [1] * 8


def test_after_an_outage_without_a_kill(store, clock, post, make):
    post.down = True
    messenger = make()
    for number in range(8):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries == 8 and all(row.tries for row in store.waiting()))
    assert messenger.failing() == {"mail": "refused"}
    clock.now += 4000
    post.down = False
    wake(messenger)
    wait_for(lambda: not waiting(store))
    texts = [message.subject + message.body for _, message in post.taken]
    assert len(texts) == 2  # the first that is accepted, and the digest
    found = [sum(f"label{number} on" in text for text in texts) for number in range(8)]
    assert found == [1] * 8
    assert messenger.failing() == {}


def test_few_after_an_outage_go_one_by_one(store, clock, post, make):
    post.down = True
    messenger = make()
    for number in range(5):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries == 5 and all(row.tries for row in store.waiting()))
    clock.now += 4000
    post.down = False
    wake(messenger)
    wait_for(lambda: not waiting(store))
    assert len(post.taken) == 5


def test_the_first_success_ends_the_outage_for_all(store, clock, post, make):
    post.down = True
    messenger = make()
    for number in range(3):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries == 3 and all(row.tries for row in store.waiting()))
    clock.now += 1  # their next tries are 9 s away
    post.down = False
    messenger.confirmed(event(store, "new"))
    wait_for(lambda: not waiting(store))
    assert len(post.taken) == 4


def test_a_start_does_not_wait_for_the_next_try(store, clock, post, make):
    post.down = True
    first = make()
    first.confirmed(event(store))
    wait_for(lambda: all(row.tries for row in store.waiting()))
    first.stop()
    clock.now += 1
    post.down = False
    make()
    wait_for(lambda: not waiting(store))


def test_an_outage_means_few_attempts(store, clock, post, make):
    post.down = True
    messenger = make()
    for number in range(8):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries == 8 and all(row.tries for row in store.waiting()))
    for _ in range(5):
        before = sum(row.tries for row in store.waiting())
        clock.now += 3601
        wake(messenger)
        wait_for(lambda before=before: sum(row.tries for row in store.waiting()) > before)
        time.sleep(0.02)
        assert sum(row.tries for row in store.waiting()) == before + 1


def test_a_burst_of_messages_does_not_prolong_the_wait(store, clock, post, make):
    post.down = True
    messenger = make()
    for number in range(5):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: post.tries == 5 and all(row.tries for row in store.waiting()))
    post.down = False
    clock.now += 10
    wake(messenger)
    wait_for(lambda: not waiting(store))


def test_given_up_after_48_hours_and_told(store, clock, post, make, capsys):
    post.down = True
    messenger = make()
    messenger.confirmed(event(store))
    wait_for(lambda: all(row.tries for row in store.waiting()))
    clock.now += 48 * 3600
    wake(messenger)
    wait_for(lambda: not waiting(store))
    assert store.message(1).state == "given_up"
    assert store.message(1).error == "not sent within 48 hours: refused"
    said = capsys.readouterr().out
    assert "fall on hall" in said
    assert "given up" in said


def test_above_the_limit_one_message_sums_up(store, clock, post, make):
    messenger = make(per_hour=3)
    for number in range(7):
        messenger.confirmed(event(store, f"label{number}"))
        clock.now += 1
    wait_for(lambda: len(post.taken) == 3)
    clock.now += 1800
    wake(messenger)
    time.sleep(0.05)
    assert len(post.taken) == 3
    clock.now += 1800
    wake(messenger)
    wait_for(lambda: not waiting(store))
    assert len(post.taken) == 4
    body = post.taken[3][1].body
    assert "limit" in body
    assert [body.count(f"label{number} on") for number in range(7)] == [0, 0, 0, 1, 1, 1, 1]


def test_a_target_that_hangs_delays_no_other(store, post, make):
    post.gates["slow"] = threading.Event()
    messenger = make((Target("slow", "json://a"), Target("mail", "json://b")))
    for number in range(4):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: len(post.subjects("mail")) == 4)
    assert post.subjects("slow") == []


def test_stopping_does_not_wait_for_a_target_that_hangs(store, post, make, monkeypatch):
    assert module.STOP_SECONDS < 3
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    post.gates["mail"] = threading.Event()
    messenger = make()
    messenger.confirmed(event(store))
    wait_for(lambda: post.tries == 1)
    began = time.monotonic()
    messenger.stop()
    assert time.monotonic() - began < 0.9
    assert waiting(store) == 1  # the next run sends it


def test_a_hanging_thread_is_replaced_and_a_late_success_counts(store, post, make):
    gate = post.gates["mail"] = threading.Event()
    messenger = make(times=Times(hang=0.01, abort=3600))
    messenger.confirmed(event(store, "first"))
    wait_for(lambda: post.tries == 1)
    del post.gates["mail"]
    messenger._senders[0].check(time.monotonic() + 1)  # the watch
    messenger.confirmed(event(store, "second"))
    wait_for(lambda: len(post.taken) == 1)
    gate.set()
    wait_for(lambda: not waiting(store))
    assert [message.subject.split()[0] for _, message in post.taken] == ["second", "first"]
    assert post.tries == 2


def test_a_message_that_hangs_for_long_is_tried_again_with_the_same_id(store, clock, post, make):
    gate = post.gates["mail"] = threading.Event()
    messenger = make(times=Times(hang=1e-4, abort=2e-4))
    messenger.confirmed(event(store))
    wait_for(lambda: post.tries == 1)
    del post.gates["mail"]
    sender = messenger._senders[0]
    sender.check(time.monotonic() + 1)  # another thread
    sender.check(time.monotonic() + 1)  # the message is let go
    wait_for(lambda: all(row.tries == 1 for row in store.waiting()))
    clock.now += 20
    wake(messenger)
    wait_for(lambda: not waiting(store))
    gate.set()
    wait_for(lambda: len(post.taken) == 2)
    assert len({message.id for _, message in post.taken}) == 1
    assert store.message(1).state == "sent"


def test_hanging_threads_are_limited(store, post, make):
    post.gates["mail"] = threading.Event()
    messenger = make(times=Times(hang=0.01, abort=3600, hanging=2))
    for number in range(9):
        messenger.confirmed(event(store, f"label{number}"))
    for expected in (1, 2, 3, 3, 3):
        wait_for(lambda expected=expected: post.tries == expected)
        messenger._senders[0].check(time.monotonic() + 1)
    time.sleep(0.02)
    assert post.tries == 3
    assert len(set(post.began)) == 3


def test_one_bad_message_delays_no_other(store, clock, post, make):
    messenger = make()
    post.refused.add("bad")
    bad = event(store, "bad")
    messenger.confirmed(bad)
    wait_for(lambda: post.tries >= 1)
    for number in range(3):
        messenger.confirmed(event(store, f"label{number}"))
    wait_for(lambda: len(post.taken) == 3)
    assert [row.event_id for row in store.waiting()] == [bad.id]


class FullDisk:
    """A database that cannot be written at times."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.full = False

    def __getattr__(self, name: str):
        writes = name in ("queue_all", "mark_sent", "mark_failed", "digest")
        if writes and self.full:
            raise LookbackError("the disk is full")
        return getattr(self.store, name)


def test_a_full_disk_loses_no_message(store, post, make):
    disk = FullDisk(store)
    messenger = make(store=disk)
    disk.full = True
    assert messenger.confirmed(event(store))
    assert not waiting(store)
    disk.full = False
    messenger._store_kept()
    wait_for(lambda: len(post.taken) == 1)


def test_what_was_accepted_while_the_disk_was_full_is_not_sent_again(store, post, make):
    disk = FullDisk(store)
    gate = post.gates["mail"] = threading.Event()
    messenger = make(store=disk, times=Times(look=0.01))
    messenger.confirmed(event(store))
    wait_for(lambda: post.tries == 1)
    disk.full = True
    gate.set()
    time.sleep(0.1)
    disk.full = False
    wait_for(lambda: not waiting(store))
    assert len(post.taken) == 1
    assert store.message(1).state == "sent"


def test_a_messenger_without_targets(store, make):
    messenger = make(())
    assert not messenger.confirmed(event(store))
    assert not messenger.test()


def test_messages_for_a_target_that_is_gone(store, clock, make, capsys):
    store.queue("test", "former", "a", "b", now=NOW - 47 * 3600)
    store.queue("test", "former", "a", "b", now=NOW - 48 * 3600)
    make()
    assert [store.message(number).state for number in (1, 2)] == ["waiting", "given_up"]
    assert capsys.readouterr().out.count("the target former, which is not in the file") == 1


def test_threads_are_named_after_the_target(make):
    make((Target("mail", "json://user:hunter2@host"),))
    names = [thread.name for thread in threading.enumerate()]
    assert "messages-mail" in names
    assert "hunter2" not in " ".join(names)


def test_cameras(store, clock, post, make):
    messenger = make()
    assert messenger.camera_lost("yard", NOW - 60, "no answer")
    assert messenger.camera_back("yard", 75.0)
    assert messenger.test()
    wait_for(lambda: not waiting(store))
    assert [subject.split(",")[0].split(" since")[0] for subject in post.subjects()] == [
        "Camera yard is lost",
        "Camera yard is back after 1 min 15 s",
        "Lookback: test message",
    ]
