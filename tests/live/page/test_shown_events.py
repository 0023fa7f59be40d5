"""Events of the database as the page shows them."""

from live.events.store import EventStore
from live.page.shown_events import ShownEvents


def test_events_come_with_still_recordings_and_verdict(tmp_path):
    store = EventStore(tmp_path / "events")
    number = store.add_event("Hall", "fall", 1000.0, confirmed=1001.0, peak=0.9, silent=True)
    shown = ShownEvents(store)
    event = shown.event(number)
    assert (event.camera, event.label, event.started, event.ended) == ("Hall", "fall", 1000.0, None)
    assert (event.mean, event.still, event.parts, event.silent) == (None, None, (), True)
    assert (event.verdict, event.corrected) == ("", "")
    store.set_still(number, "stills/1.jpg")
    recording = store.add_recording(number, 1, "clips/1.mp4", 995.0)
    assert shown.event(number).parts == ()  # not finished
    store.finish_recording(recording, 1010.0, 5)
    store.end_event(number, 7.5, 0.95, 0.8)
    store.judge_event(number, "wrong", "walk")
    (event,) = shown.between(1007.0, 2000.0)
    assert (event.ended, event.seconds, event.peak, event.mean) == (1007.5, 7.5, 0.95, 0.8)
    assert event.still == (tmp_path / "events/stills/1.jpg").resolve()
    assert event.parts == ((tmp_path / "events/clips/1.mp4").resolve(),)
    assert (event.verdict, event.corrected) == ("wrong", "walk")
    assert shown.between(1008.0, 2000.0) == []
    assert shown.event(number + 1) is None
    store.close()


def test_a_path_outside_of_the_folder_is_not_shown(tmp_path):
    store = EventStore(tmp_path / "events")
    number = store.add_event("Hall", "fall", 1000.0, confirmed=1001.0)
    store.set_still(number, "../secret.jpg")
    assert ShownEvents(store).event(number).still is None
    store.close()


def test_an_event_before_its_confirmation_is_not_shown(tmp_path):
    store = EventStore(tmp_path / "events")
    number = store.add_event("Hall", "fall", 1000.0)
    shown = ShownEvents(store)
    assert shown.between(0.0, 2000.0) == []
    assert shown.event(number) is None
    store.close()
