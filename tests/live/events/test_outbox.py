"""Messages to several targets at once, and the times of those that were sent."""

from pathlib import Path

from live.events.store import EventStore


def test_a_message_to_all_targets_is_queued_once(tmp_path: Path):
    store = EventStore(tmp_path)
    assert store.queue_all("start", ["mail", "phone"], "a", "b", event_id=1, now=5.0) == 2
    assert store.queue_all("start", ["mail", "push"], "a", "b", event_id=1, now=6.0) == 1
    assert store.queue_all("start", [], "a", "b", event_id=1) == 0
    rows = [(row.target, row.created, row.due) for row in store.waiting()]
    assert rows == [("mail", 5.0, 5.0), ("phone", 5.0, 5.0), ("push", 6.0, 6.0)]
    store.close()


def test_times_of_the_newest_messages_that_were_sent(tmp_path: Path):
    store = EventStore(tmp_path)
    for number in range(4):
        store.queue("test", "mail", "a", "b")
        store.mark_sent(number + 1, 10.0 * number)
    store.queue("test", "mail", "a", "b")  # waits
    store.mark_sent(store.queue("test", "phone", "a", "b"), 99.0)
    assert store.sent_times("mail", 3) == [30.0, 20.0, 10.0]
    store.close()
