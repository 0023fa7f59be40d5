"""Cool-down: after a message, a camera and class wait before the next one."""

from collections.abc import Hashable


class CoolDown:
    """Remembers when the last message about each camera and class was sent.

    Only a message begins a cool-down. An event that sent none, because the camera was not armed or
    no message could be sent, does not silence the next one.
    """

    def __init__(self) -> None:
        self._sent: dict[Hashable, float] = {}

    def allows(self, key: Hashable, seconds: float, now: float) -> bool:
        """Return whether a message may be sent.

        Args:
            key: Camera and class.
            seconds: Cool-down of the class in seconds.
            now: Present time in seconds, of the monotonic clock.
        """
        last = self._sent.get(key)
        return last is None or now - last >= seconds

    def sent(self, key: Hashable, now: float) -> None:
        """Note that a message was sent.

        Args:
            key: Camera and class.
            now: Present time in seconds, of the monotonic clock.
        """
        self._sent[key] = now
