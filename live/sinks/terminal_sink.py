"""Lines on the terminal: one per change of the label, or two per step."""

from live.decision import Decision
from live.sinks.base import Sink


class StepLines(Sink):
    """Two lines per step: the probability of the label, and the seconds of the step."""

    def __init__(self, camera: str = "") -> None:
        """Print the lines of a camera; its name is empty if it is the only one."""
        self._camera = f"{camera}: " if camera else ""

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        print(f"{self._camera}[INFO] Frame acc. predictions: {decision.probability:.8f}")
        print(f"{self._camera}Frame inference in {step_seconds:.4f} seconds", flush=True)


class ChangeLines(Sink):
    """One line per change of the label, with the most probable labels."""

    def __init__(self, best: int = 1, camera: str = "") -> None:
        """Print `best` labels; the camera's name is empty if it is the only one."""
        self._best, self._camera = best, f"{camera}: " if camera else ""
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
            if decision.several and not mark:
                best = decision.found
            line = ", ".join(f"{name} ({probability:.2f})" for name, probability in best)
            print(f"{self._camera}{decision.seconds:8.1f} s  {mark}{line}", flush=True)
            self._shown = (state, mark)
