"""Lines on the terminal: every step when asked, otherwise each change of the label."""

from live.decision import Decision
from live.sinks.base import Sink


class StepLines(Sink):
    """Two lines a step: the probability of the label, and the time the step took."""

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        print(f"[INFO] Frame acc. predictions: {decision.probability:.8f}")
        print(f"Frame inference in {step_seconds:.4f} seconds", flush=True)


class ChangeLines(Sink):
    """One line where the label changes, with `best` of the likeliest labels."""

    def __init__(self, best: int = 1) -> None:
        self._best = best
        self._label: str | None = None

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        label = decision.label if decision.above_threshold else "undecided"
        if label != self._label:
            told = decision.best(self._best if decision.above_threshold else 1)
            line = ", ".join(f"{name} ({probability:.2f})" for name, probability in told)
            if not decision.above_threshold:
                # However sure: a window that is not full yet shows too little.
                why = "likeliest" if decision.full else "not enough seen, so far"
                line = f"undecided, {why} {line}"
            print(f"{decision.seconds:8.1f} s  {line}", flush=True)
            self._label = label
