"""The loop: frames in, decisions out. A file and a camera run through the same lines."""

from live.decision import Decision
from live.model import LiveModel
from live.overlay import annotate
from live.pace import AtOnce, Beside
from live.sinks import Sink, StopRequested
from live.timing import Stopwatch
from video.sources import VideoSource


def run_loop(
    source: VideoSource, model: LiveModel, sinks: list[Sink], hop: int | None = None
) -> Stopwatch:
    """Run until the source ends, a sink asks for the end, or Ctrl-C; return where time went.

    The caller closes source and sinks, so that whatever ends the loop leaves complete outputs.

    Args:
        source: gives the frames.
        model: decides.
        sinks: take the outcome.
        hop: sampled frames from one step to the next; None for the model's own.
    """
    watch = Stopwatch()
    stream = model.stream(hop)
    # A single frame is soon computed, and the newest one is then read; the frames of a clip must be
    # collected while the last one is.
    beside = source.live and model.extractor.clip_length > 1
    decider = (Beside if beside else AtOnce)(stream, watch)
    latest: Decision | None = None
    draws = any(sink.draws for sink in sinks)
    # Waiting for a camera's next frame is no work; decoding a file's is.
    arrival = "wait" if source.live else "decode"
    frames = iter(source)
    try:
        while True:
            with watch.stage(arrival):
                frame = next(frames, None)
            if frame is None:
                break
            watch.frames += 1
            steps = stream.steps(frame)
            while True:
                with watch.stage("preprocess"):
                    step = next(steps, None)
                decided = decider.ready() if step is None else decider.push(step)
                for latest, seconds in decided:
                    for sink in sinks:
                        sink.on_step(latest, seconds)
                if step is None:
                    break
            with watch.stage("output"):
                picture = annotate(frame.rgb, latest, model.best) if draws else None
                for sink in sinks:
                    sink.on_frame(frame, picture)
    except (KeyboardInterrupt, StopRequested):
        pass  # the usual ways to end a live run
    finally:
        decider.close()
    watch.skipped = decider.skipped
    return watch
