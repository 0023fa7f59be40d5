"""The run command on cameras: everything that watches, put together."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader
from live.hub import Hub
from live.model import LiveModel, choose_live_model
from live.watching.camera_stream import CameraStream
from live.watching.loading import ModelLoader
from live.watching.loop import Watched, WatchLoop, close_readers
from live.watching.outputs import Outputs, OutputSinks
from live.watching.rate import spread_steps
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

_GAP_STEPS = 3


@dataclass(frozen=True)
class WatchOptions:
    """What a run watches.

    Attributes:
        cameras: The cameras.
        outputs: The outputs.
        once: Whether to end, with an error, when a camera is lost.
    """

    cameras: list[CameraConfig]
    outputs: Outputs = field(default_factory=Outputs)
    once: bool = False


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
    service.require_loaded()


def _check(options: WatchOptions) -> None:
    several = len(options.cameras) > 1
    if several and options.outputs.window:
        raise UsageError(
            "one window shows one camera: add --no-window, and --serve to see them all"
        )
    if several and options.outputs.save:
        raise UsageError("--save writes one camera; events of several are recorded by --alarm")
    names = [camera.name for camera in options.cameras]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"camera {name} is there twice; give each a name of its own")


class _Service:
    """The parts of a run and their wiring."""

    def __init__(self, options: WatchOptions, settings: Settings, stack: ExitStack) -> None:
        self._options, self._settings = options, settings
        self._model: LiveModel | None = None
        self._sinks = stack.enter_context(OutputSinks(options.outputs, len(options.cameras) > 1))
        self._loader = ModelLoader(lambda: choose_live_model(settings))
        self.hub = Hub()
        self.loop = WatchLoop(
            self.hub, each_round=self._take_model, prepare=self._prepare, once=options.once
        )
        for camera in options.cameras:
            self.loop.cameras.append(self._watched(camera))
        stack.callback(close_readers, self.loop.cameras)

    def _watched(self, camera: CameraConfig) -> Watched:
        number = self.hub.add_camera(camera.name)
        stream = CameraStream(number, camera.name, self.hub, self.loop.wake, [])
        gap = self._settings.recipe.live.gap_seconds
        return Watched(CameraReader(camera, stream, gap), stream)

    def run(self) -> None:
        for camera in self.loop.cameras:
            camera.reader.start()
        self.loop.run()
        lost = [
            f"{camera.reader.name}: lost ({camera.reader.state()[1]})"
            for camera in self.loop.cameras
            if camera.reader.state()[0] != "live"
        ]
        if self._options.once and lost:
            self._why_over = lost[0]

    _why_over = ""

    def _take_model(self) -> None:
        """Take the model over when it is ready."""
        if self._model is not None or (loaded := self._loader.result()) is None:
            return
        self._model = model = loaded.model
        extractor = model.extractor
        name, engine = extractor.config.backbone.name, extractor.engine
        _LOG.info(f"{name}, engine: {engine.name}, {engine.precision}")
        fps = extractor.config.sampling.fps
        if fps:
            for camera in self.loop.cameras:
                camera.reader.lengthen_gap(_GAP_STEPS / fps)
        rate = max(camera.reader.device.rate for camera in self.loop.cameras)
        every = spread_steps(model, len(self.loop.cameras), rate, loaded.seconds_a_step)
        self.loop.use(model, every)

    def _prepare(self, camera: Watched, model: LiveModel) -> None:
        """Set what takes the decisions of a model on a camera."""
        camera.sinks = self._sinks.of(camera.reader, model)

    def require_loaded(self) -> None:
        """Raise `KeyboardInterrupt` if the run has ended before the model was ready."""
        if self._loader.is_running:
            raise KeyboardInterrupt

    def report(self) -> None:
        """Print what the run has done."""
        _LOG.info(self.loop.summary())
        for path in (self._options.outputs.csv, self._options.outputs.save):
            if path and path.exists():
                _LOG.info(path)
        if self._why_over:
            raise LookbackError(self._why_over)
