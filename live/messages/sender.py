"""Senders of queued messages: a thread per target, and a watch that replaces one that hangs.

Each message is in the database before it is sent, and is marked after the target has accepted it. A
target that hangs delays no other: after `Times.hang` the watch lets the hanging thread be, and
starts another one for the target's other messages. The message of the hanging thread is not tried
again as long as that thread may still succeed; after `Times.abort` the connection of a mail is
closed, and the message is tried again with the same Message-ID. A late success is marked, and no
further try follows. Threads that hang without an end are limited to `Times.hanging`.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from live.events.outbox import Outbox
from live.events.rows import Message
from live.messages import texts
from live.messages.delivery import Attempt, Deliver, DeliveryError, Outgoing
from live.messages.policy import Digest, Send, Wait, delay, expired, plan
from live.messages.targets import Target
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


@dataclass(frozen=True)
class Times:
    """Times of the senders in seconds.

    Attributes:
        hang: Time after which another thread takes over the target's other messages.
        abort: Time after which a hanging message counts as failed.
        look: Longest time between two looks into the queue.
        hanging: Maximum number of threads of a target that hang.
    """

    hang: float = 60.0
    abort: float = 660.0
    look: float = 30.0
    hanging: int = 3


TIMES = Times()


@dataclass
class _Job:
    """A message that a thread is sending; `began` is of `time.monotonic`."""

    message: Message
    attempt: Attempt
    began: float
    released: bool = False  # whether it may be tried again


class _Thread:
    """A thread with the message that it is sending."""

    def __init__(self, name: str, work: Callable[["_Thread"], None]) -> None:
        self.job: _Job | None = None
        self.thread = threading.Thread(target=work, args=(self,), name=name, daemon=True)


class Sender:
    """Sends the messages of one target, each once.

    Attributes:
        target: The target.
        failing: Reason of the last failure; empty while the target works.
    """

    def __init__(
        self,
        target: Target,
        queue: Outbox,
        folder: Path,
        per_hour: int,
        deliver: Deliver,
        clock: Callable[[], float] = time.time,
        times: Times = TIMES,
        told: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Create a sender; `start` begins to send.

        Args:
            target: The target.
            queue: The table of messages.
            folder: Folder to which the paths of attachments are relative.
            per_hour: Maximum number of messages per hour.
            deliver: Sends one message.
            clock: Clock of the database, UTC epoch seconds.
            times: Times of the sender.
            told: Function that is called with `sent`, `failed` or `given_up` for each message.
        """
        self.target = target
        self.failing = ""
        self._queue = queue
        self._folder = folder
        self._per_hour = per_hour
        self._deliver = deliver
        self._clock = clock
        self._times = times
        self._told = told
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._current: _Thread | None = None
        self._hanging: list[_Thread] = []
        # Numbers of messages that were accepted, as long as the database does not know it.
        self._unmarked: set[int] = set()
        self._failures = 0
        self._not_before = 0.0
        self._released = clock()  # at a start, each waiting message is due
        self._broken = ""

    def start(self) -> None:
        """Begin to send."""
        with self._lock:
            self._begin()

    def wake(self) -> None:
        """Look into the queue now. Never waits."""
        self._wake.set()

    def stop(self) -> None:
        """Send nothing more. A message on its way stays in the queue until it is accepted."""
        self._stopping = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait up to some seconds for the thread; one that hangs ends with the program."""
        current = self._current
        if current is not None:
            current.thread.join(max(seconds, 0.0))

    def check(self, now: float) -> None:
        """Replace a thread that hangs, and let its message go after a longer time.

        Args:
            now: Present time of `time.monotonic`.
        """
        with self._lock:
            if self._stopping or self._current is None:
                return
            self._hanging = [each for each in self._hanging if each.thread.is_alive()]
            running = [(each, each.job) for each in (*self._hanging, self._current)]
            ages = [(job, self._age(job, now)) for _, job in running if job is not None]
            overdue = [job for job, age in ages if age > self._times.abort]
            newly = [job for job in overdue if not job.released]
            for job in newly:
                job.released = True  # here, so that nobody else lets it go as well
            present = self._current.job
            hangs = present is not None and self._age(present, now) > self._times.hang
            if hangs and len(self._hanging) < self._times.hanging:
                self._hanging.append(self._current)
                self._failed(f"no answer for {self._times.hang:.0f} s", self._clock())
                self._begin()
        for job in newly:
            self._let_go(job)
        for job in overdue:
            job.attempt.abort()  # again and again: it may have had no connection before

    def _age(self, job: _Job, now: float) -> float:
        return now - job.began - job.attempt.extra_seconds

    def _let_go(self, job: _Job) -> None:
        row, now = job.message, self._clock()
        reason = f"no answer for {self._times.abort:.0f} s"
        try:
            self._queue.mark_failed(row.id, reason, now + delay(row.tries + 1), now)
        except LookbackError:
            job.released = False  # the next look tries again
            raise
        self._wake.set()

    def _begin(self) -> None:
        self._current = _Thread(f"messages-{self.target.name}", self._work)
        self._current.thread.start()

    def _work(self, me: _Thread) -> None:
        while not self._stopping and self._current is me:
            try:
                self._step(me)
                self._broken = ""
            except LookbackError as error:  # the database; for example, the disk is full
                self._complain(str(error))
                self._pause(self._times.look)
            except Exception as error:
                # This thread must not end, and a traceback could show the address.
                reason = self.target.redact(f"{type(error).__name__}: {error}")
                self._complain(f"unexpected error: {reason}")
                self._pause(self._times.look)

    def _complain(self, reason: str) -> None:
        if reason != self._broken:
            self._broken = reason
            _LOG.warning("messages to %s: %s", self.target.name, reason)

    def _step(self, me: _Thread) -> None:
        self._wake.clear()  # before the look: what is queued after it wakes again
        for number in tuple(self._unmarked):
            self._mark_sent(number)
        rows = self._waiting()
        now = self._clock()
        sent = self._queue.sent_times(self.target.name, self._per_hour)
        action = plan(rows, sent, now, self._per_hour, self._not_before, self._released)
        if isinstance(action, Wait):
            longest = self._times.look
            self._pause(longest if action.seconds is None else min(action.seconds, longest))
        elif isinstance(action, Digest):
            self._sum_up([row for row in rows if row.id in action.ids], action.reason, now)
        elif isinstance(action, Send):
            self._send(me, next(row for row in rows if row.id == action.id))

    def _waiting(self) -> list[Message]:
        with self._lock:
            jobs = [each.job for each in self._hanging if each.job is not None]
            away = {job.message.id for job in jobs if not job.released} | self._unmarked
        return [row for row in self._queue.waiting(self.target.name) if row.id not in away]

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)

    def _sum_up(self, rows: Sequence[Message], reason: str, now: float) -> None:
        text = texts.digest(rows, reason, None)
        numbers = [row.id for row in rows]
        self._queue.digest(numbers, self.target.name, text.subject, text.body, now)

    def _send(self, me: _Thread, row: Message) -> None:
        job = _Job(row, Attempt(), time.monotonic())
        attachment = self._folder / row.attachment if row.attachment else None
        message = Outgoing(message_id(row), row.subject, row.body, attachment)
        with self._lock:
            # Never two threads with one message: the watch may have replaced this one.
            if self._stopping or self._current is not me:
                return
            me.job = job
        try:
            self._deliver(self.target, message, job.attempt)
        except DeliveryError as error:
            self._after_failure(me, job, str(error))
        except Exception as error:
            reason = self.target.redact(f"{type(error).__name__}: {error}")
            self._after_failure(me, job, reason)
        else:
            self._after_success(me, job)

    def _after_success(self, me: _Thread, job: _Job) -> None:
        number = job.message.id
        with self._lock:
            self._unmarked.add(number)  # before the job is forgotten
            me.job = None
            if self._failures:
                _LOG.info("messages to %s are sent again", self.target.name)
                self._failures, self._not_before, self._released = 0, 0.0, self._clock()
                self.failing = ""
        self._mark_sent(number)
        self._told("sent")
        self._wake.set()

    def _mark_sent(self, number: int) -> None:
        self._queue.mark_sent(number, self._clock())
        self._unmarked.discard(number)

    def _after_failure(self, me: _Thread, job: _Job, reason: str) -> None:
        row, now = job.message, self._clock()
        with self._lock:
            late = self._current is not me
            if not late:
                self._failed(reason, now)
        try:
            if not job.released:  # else the watch has recorded the failure
                self._queue.mark_failed(row.id, reason, now + delay(row.tries + 1), now)
        finally:
            with self._lock:
                me.job = None  # from here on, another thread may take the message
        self._told("failed")
        for each in self._waiting():
            if expired(each, now):
                self._give_up(each, reason)
        if late:
            self._wake.set()

    def _failed(self, reason: str, now: float) -> None:
        # New messages that fail during an outage do not prolong the wait for its end.
        if not self._failures or now >= self._not_before:
            self._failures += 1
            self._not_before = now + delay(self._failures)
        wait = self._not_before - now
        if not self.failing:
            _LOG.warning(
                "messages to %s fail and are kept: %s; tried again in %.0f s",
                self.target.name,
                reason,
                wait,
            )
        self.failing = reason

    def _give_up(self, row: Message, reason: str) -> None:
        self._queue.mark_given_up(row.id, f"not sent within 48 hours: {reason}")
        self._told("given_up")
        _LOG.warning(
            "message to %s was not sent within 48 hours and is given up: %s (%s)",
            self.target.name,
            row.subject,
            reason,
        )


def message_id(row: Message) -> str:
    """Return the first part of a message's Message-ID, the same in every try.

    The time of its creation is part of it, so that a new database does not repeat an old number.
    """
    return f"lookback.{row.id}.{round(row.created * 1000)}"
