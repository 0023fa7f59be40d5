"""Lines on the terminal: one per change of the label, or two per step."""

from live.decision import Decision
from live.sinks.base import Sink


class StepLines(Sink):
    """Two lines per step: the probability of the label, and the seconds of the step."""

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        print(f"[INFO] Frame acc. predictions: {decision.probability:.8f}")
        print(f"Frame inference in {step_seconds:.4f} seconds", flush=True)


class ChangeLines(Sink):
    """One line per change of the label, with the most probable labels."""

    def __init__(self, best: int = 1) -> None:
        self._best = best
        self._shown: tuple[str | None, str] | None = None

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        if decision.above_threshold:
            state, mark = decision.label, ""
        elif decision.full:
            state, mark = None, "below threshold: "
        else:  # whatever the probability, the window shows too little
            state, mark = None, "window not full yet: "
        if (state, mark) != self._shown:
            best = decision.best(1 if mark else self._best)
            line = ", ".join(f"{name} ({probability:.2f})" for name, probability in best)
            print(f"{decision.seconds:8.1f} s  {mark}{line}", flush=True)
            self._shown = (state, mark)
