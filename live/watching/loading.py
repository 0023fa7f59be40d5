"""The model of a run, loaded and compiled in a thread, so that Ctrl-C ends the program at once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from live.model import LiveModel


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run.

    Attributes:
        model: The model, compiled.
        seconds_a_step: The time that one step takes.
    """

    model: LiveModel
    seconds_a_step: float


class ModelLoader:
    """Loads a model beside the cameras, which connect meanwhile."""

    def __init__(self, load: Callable[[], LiveModel]) -> None:
        """Start the thread.

        Args:
            load: Returns the model.
        """
        self._load = load
        self._loaded: LoadedModel | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load model", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the model is still being loaded."""
        return not self._done.is_set()

    def result(self) -> LoadedModel | None:
        """Return the model once it is ready; None before.

        Raises:
            LookbackError: The model cannot be loaded.
        """
        if not self._done.is_set():
            return None
        if self._error is not None:
            raise self._error
        return self._loaded

    def _run(self) -> None:
        try:
            model = self._load()
            self._loaded = LoadedModel(model, model.warm_up())
        except BaseException as error:  # raised in the thread that asks
            self._error = error
        finally:
            self._done.set()
