"""The cool-down is begun by messages, per camera and class."""

from live.alarms.cool_down import CoolDown

HALL, DOOR = ("hall", "fall"), ("door", "fall")


def test_a_message_begins_the_cool_down_of_its_camera_and_class():
    cool_down = CoolDown()
    assert cool_down.allows(HALL, 60.0, now=1000.0)
    cool_down.sent(HALL, now=1000.0)
    assert not cool_down.allows(HALL, 60.0, now=1059.9)
    assert cool_down.allows(HALL, 60.0, now=1060.0)
    assert cool_down.allows(DOOR, 60.0, now=1001.0)
    assert cool_down.allows(("hall", "jump"), 60.0, now=1001.0)


def test_a_silent_event_begins_none():
    cool_down = CoolDown()
    for now in range(10):
        assert cool_down.allows(HALL, 60.0, now)


def test_the_seconds_may_change_at_once():
    cool_down = CoolDown()
    cool_down.sent(HALL, now=0.0)
    assert not cool_down.allows(HALL, 60.0, now=10.0)
    assert cool_down.allows(HALL, 5.0, now=10.0)
    assert cool_down.allows(HALL, 0.0, now=0.0)
