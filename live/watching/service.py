"""The run command on cameras: everything that watches, put together."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from extract.extractor.choice import OWN_HEAD
from live.alarms.cool_down import CoolDown
from live.alarms.rule import Rule
from live.alarms.schedule import parse_schedule
from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader
from live.hub import Hub
from live.model import LiveModel, choose_live_model
from live.page.access import Access, is_loopback, parse_address, read_token
from live.page.app import PageApp
from live.page.health import camera_health
from live.page.server import PageServer
from live.page.shown_events import ShownEvents
from live.runner import check_outputs
from live.teaching.cutting import Recorders
from live.teaching.event_log import StoredEvents
from live.teaching.record import read_record
from live.teaching.takeover import ModelSlot, TakeOver
from live.teaching.teacher import Teacher
from live.watching.camera_stream import CameraStream, FrameHook
from live.watching.controls import LiveControls
from live.watching.ending import AtOnce, Ending
from live.watching.judge import CameraJudge
from live.watching.loading import ModelLoader
from live.watching.loop import Watched, WatchLoop, close_readers
from live.watching.outputs import Outputs, OutputSinks
from live.watching.rate import spread_steps
from live.watching.reporting import Reporting
from live.watching.rule_book import RuleBook
from live.watching.service_manager import tell_ready, tell_stopping
from live.watching.watchdog import Watchdog
from model_folder.config import read_config
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

_GAP_STEPS = 3
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True)
class WatchOptions:
    """What a run watches.

    Attributes:
        cameras: The cameras.
        outputs: The outputs.
        once: Whether to end, with an error, when a camera is lost.
        serve: Address of the page; empty for none.
        names: Further names by which browsers reach the page.
        token: File with the token of the page; None for `page.token` in the folder of events.
        acts: Whether events are detected and stored, also without the page.
    """

    cameras: list[CameraConfig]
    outputs: Outputs = field(default_factory=Outputs)
    once: bool = False
    serve: str = ""
    names: tuple[str, ...] = ()
    token: Path | None = None
    acts: bool = False


def watch(options: WatchOptions, settings: Settings) -> None:
    """Watch cameras until the user ends it.

    Args:
        options: The cameras and outputs.
        settings: The recipe, which names the model folder or a published clip network.

    Raises:
        LookbackError: The model cannot be loaded, or a camera was lost and `once` is set.
        UsageError: The outputs do not fit the cameras.
    """
    _check(options)
    with ExitStack() as stack:
        service = _Service(options, settings, stack)
        service.run()
    service.report()


def _check(options: WatchOptions) -> None:
    several = len(options.cameras) > 1
    if several and options.outputs.window:
        raise UsageError("one window shows one camera; add --no-window, and --serve to see all")
    if several and options.outputs.save:
        raise UsageError("--save writes one camera; --alarm records the events of several")
    check_outputs(options.outputs.csv, options.outputs.save)
    names = [camera.name for camera in options.cameras]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name}: two cameras; give each a name of its own in --cameras FILE")
    for camera in options.cameras:
        try:
            parse_schedule(camera.armed)
        except UsageError as error:
            raise UsageError(f"camera {camera.name}: {error}") from None


class _Service:
    """The parts of a run and their wiring."""

    def __init__(self, options: WatchOptions, settings: Settings, stack: ExitStack) -> None:
        self._options, self._settings, self._stack = options, settings, stack
        self._recipe = settings.recipe
        self._why_over = ""
        self._told_rules = ""
        self._ending = Ending()
        self._server: PageServer | None = None
        self._teacher: Teacher | None = None
        self._used: TakeOver | None = None
        self._changes = -1
        self._beat = time.monotonic()
        self._sinks = stack.enter_context(OutputSinks(options.outputs, len(options.cameras) > 1))
        self.hub = Hub()
        self.loop = WatchLoop(
            self.hub, self._on_beat, self._each_round, self._prepare, options.once
        )
        self._watchdog = None if options.outputs.window else stack.enter_context(Watchdog())
        self._reporting: Reporting | None = None
        stack.callback(self._end)
        if options.acts or options.serve:
            self._reporting = Reporting(
                self._recipe, options.cameras, self.hub, bool(options.serve), self._arm
            )
        self._book = RuleBook(settings, self._reporting.store if self._reporting else None)
        self._cool_down = CoolDown()
        for camera in options.cameras:
            self._book.check(camera, None)
            self.loop.cameras.append(self._watched(camera))
        self._slot = ModelSlot(armed=lambda: self._book.classes(None))
        self._loader = self._begin_to_load()
        if options.serve:
            self._serve()

    def _watched(self, camera: CameraConfig) -> Watched:
        number = self.hub.add_camera(camera.name)
        hooks: list[FrameHook] = []
        judge = recorder = None
        if self._reporting is not None:
            recorder = self._reporting.recorders[camera.name]
            hooks.append(recorder.on_frame)
            judge = CameraJudge(
                number,
                camera.name,
                self._reporting.desk,
                self.hub,
                self._cool_down,
                parse_schedule(camera.armed),
                self._recipe.live.bridge_seconds,
                self._recipe.live.messages.lost_seconds,
            )
        stream = CameraStream(number, camera.name, self.hub, self.loop.wake, hooks)
        on_packet = recorder.on_packet if recorder else None
        reader = CameraReader(camera, stream, self._recipe.live.gap_seconds, on_packet)
        return Watched(reader, stream, judge)

    def _begin_to_load(self) -> ModelLoader | None:
        """Load the model in a thread; without a model, the page teaches the first one."""
        folder = Path(self._recipe.model.folder)
        if self._options.serve and "backbone.name" not in self._settings.flags:
            config = read_config(folder)
            has_own = config is not None and self._recipe.sequence.head == OWN_HEAD
            if config is None or (config.sequence is None and not has_own):
                _LOG.info(f"{folder}: there is no model yet; the page teaches one")
                return None
        videos = len(self._options.cameras)
        return ModelLoader(lambda: choose_live_model(self._settings, videos))

    def _serve(self) -> None:
        """Start the page."""
        assert self._reporting is not None
        store = self._reporting.store
        host, port = parse_address(self._options.serve)
        token = None
        if not is_loopback(host):
            path = self._options.token or store.folder / "page.token"
            token = read_token(path)
            _LOG.info(f"the token of the page is in {path}")
        names = [camera.name for camera in self._options.cameras]
        recorders = [self._reporting.recorders[name] for name in names]
        self._teacher = Teacher(
            self._settings,
            self._slot,
            Recorders(lambda: recorders),
            StoredEvents(store, lambda: names),
            lambda: names,
        )
        app = PageApp(
            self.hub,
            ShownEvents(store),
            LiveControls(self.loop.cameras, self._book, store),
            Access(host, port, self._options.names, token),
            self._teacher,
            self._health(),
        )
        self._server = PageServer((host, port), app)
        self._server.start()
        _LOG.info(f"the page: {self._server.url}")

    def _health(self):
        cameras = camera_health(self.hub)

        def reason() -> str:
            if time.monotonic() - self._beat > _HEARTBEAT_SECONDS:
                return "the watching loop does not move"
            return cameras()

        return reason

    def run(self) -> None:
        """Watch until the end."""
        for camera in self.loop.cameras:
            camera.reader.start()
        if self._loader is None:
            tell_ready()
        self.loop.run()
        if self._options.once:
            over = [each.reader for each in self.loop.cameras if each.reader.is_over()]
            if over:
                why = over[0].state()[1] or f"no frame for {over[0].silence():.0f} s"
                self._why_over = f"{over[0].name}: lost ({why})"

    def _end(self) -> None:
        """End all parts within the time of `Ending`, also after an error."""
        tell_stopping()
        self._ending.left()
        for camera in self.loop.cameras:
            if isinstance(camera.judge, CameraJudge):
                camera.judge.finish()
        ends = [each.stop for each in (self._server,) if each is not None]
        ends += [each.close for each in (self._teacher,) if each is not None]
        with AtOnce(ends, self._ending):
            close_readers(self.loop.cameras, self._ending.left(0.8))
            if self._reporting is not None:
                self._reporting.end(self._ending)

    def _on_beat(self) -> None:
        self._beat = time.monotonic()
        if self._watchdog is not None:
            self._watchdog.beat()

    def _each_round(self) -> None:
        """Take over a model, and rules that were changed."""
        if self._loader is not None and (loaded := self._loader.result()) is not None:
            folder = Path(self._recipe.model.folder)
            self._loader = None
            for camera in self._options.cameras:
                self._book.check(camera, loaded.model)
            record, seconds = read_record(folder), loaded.seconds_a_step
            self._slot.offer(TakeOver(loaded.model, folder, record, seconds))
            tell_ready()
        newest = self._slot.current()
        if newest is not self._used and newest is not None:
            self._used = newest
            self._take_over(newest.model, newest.seconds_a_step)
        if self._book.changes != self._changes:
            self._changes = self._book.changes
            for camera in self.loop.cameras:
                self._set_rules(camera)
            self._announce()

    def _take_over(self, model: LiveModel, seconds_a_step: float) -> None:
        extractor = model.extractor
        name, engine = extractor.config.backbone.name, extractor.engine
        _LOG.info(f"{name}, engine: {engine.name}, {engine.precision}")
        if fps := extractor.config.sampling.fps:
            for camera in self.loop.cameras:
                camera.reader.lengthen_gap(_GAP_STEPS / fps)
        rate = max((camera.reader.device.rate for camera in self.loop.cameras), default=25.0)
        self.loop.use(model, spread_steps(model, len(self.loop.cameras), rate, seconds_a_step))

    def _prepare(self, camera: Watched, model: LiveModel) -> None:
        """Set what takes the decisions of a model on a camera."""
        camera.sinks = self._sinks.of(camera.reader, model)
        self._set_rules(camera)
        self._announce()

    def _set_rules(self, camera: Watched) -> None:
        judge = camera.judge
        if not isinstance(judge, CameraJudge):
            return
        judge.armed = self._book.armed(camera.reader.name)
        if camera.model is not None:
            judge.use(camera.model.labels, self._rules(camera, camera.model))

    def _rules(self, camera: Watched, model: LiveModel) -> list[Rule]:
        """Return the rules of a camera. Those that a model learned meanwhile makes impossible are
        told once, and watching goes on."""
        try:
            return self._book.rules(camera.reader.camera, model)
        except UsageError as error:
            if str(error) != self._told_rules:
                self._told_rules = str(error)
                _LOG.error(f"{camera.reader.name}: there are no alarms: {error}")
            return []

    def _announce(self) -> None:
        """Tell the MQTT broker the cameras, and the classes that raise alarms."""
        if self._reporting is not None and self._reporting.mqtt is not None:
            self._reporting.mqtt.set_cameras(
                {
                    each.reader.name: [rule.label for rule in self._rules(each, each.model)]
                    if each.model is not None
                    else []
                    for each in self.loop.cameras
                }
            )

    def _arm(self, camera: str, armed: bool) -> None:
        """Take a command of MQTT."""
        for each in self._options.cameras:
            if each.name == camera:
                self._book.set_armed(each, armed)

    def report(self) -> None:
        """Print what the run has done.

        Raises:
            LookbackError: A camera was lost and the run ended for it.
            KeyboardInterrupt: The run has ended before the model was ready.
        """
        if self._loader is not None and self._loader.is_running and not self._why_over:
            raise KeyboardInterrupt
        _LOG.info(self.loop.summary())
        for path in (self._options.outputs.csv, self._options.outputs.save):
            if path and path.exists():
                _LOG.info(path)
        if self._why_over:
            raise LookbackError(self._why_over)
