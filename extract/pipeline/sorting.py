"""Which videos an extraction computes: those without features, each content once."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from clips.manifest import Manifest
from clips.manifest.duplicates import (
    content_sha256,
    content_size,
    refuse_contradictions,
    same_value,
)
from clips.manifest.hashes import Hashes
from extract.feature_store.writer import FeatureWriter
from storage.clips import entry_of


@dataclass
class Sorting:
    """The videos of a manifest, sorted by what is to be done with them.

    The content of a clip on S3 or other storage may be unknown until it is staged. It is to be
    computed until then; `is_due` decides again.

    Attributes:
        manifest: Videos.
        writer: Store with the features that are there.
        hashes: Known hashes.
        sources: Size and SHA-256 of each video whose content is known.
        todo: Videos to compute, with their paths.
        twins: Videos with the same content as one to compute, mapped to it.
        failed: Videos that cannot be read, with the reason.
        cached: Number of videos whose features were in the store.
        renamed: Number of those whose features were found under another name.
        lock: Lock of this object and of the writer.
    """

    manifest: Manifest
    writer: FeatureWriter
    hashes: Hashes
    sources: dict[str, dict] = field(default_factory=dict)
    todo: list[tuple[str, Path]] = field(default_factory=list)
    twins: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    renamed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _first: dict[str, str] = field(default_factory=dict)  # video to compute, by its content
    _equal: dict[str, str] = field(default_factory=dict)  # a video with each content

    def sort(self) -> None:
        """Sort all videos.

        Raises:
            LookbackError: Videos with the same content have two classes or are in two splits.
        """
        for video in self.manifest.videos:
            try:
                path = self.manifest.place(video)
                if entry_of(path) and self.hashes.known(video) is None:
                    self.todo.append((video, path))
                else:
                    self.sources[video] = self.hashes.source(video)
            except OSError as error:
                self.failed[video] = f"{self.manifest.place(video)}: {error.strerror}"
        self.hashes.save()
        self._refuse_contradictions()
        later = self.todo
        self.todo = [
            (video, self.manifest.place(video))
            for video, source in self.sources.items()
            if self._is_due(video, source)
        ]
        self.todo += later

    def _refuse_contradictions(self) -> None:
        contents = {video: tuple(source.items()) for video, source in self.sources.items()}
        self._equal |= {source["sha256"]: video for video, source in self.sources.items()}
        entries = list(self.manifest.entries)
        refuse_contradictions(entries, same_value(contents), str(self.manifest.path))

    def is_due(self, video: str) -> bool:
        """Return whether a video of `todo` is still to be computed, now that it is staged.

        Raises:
            LookbackError: A video with the same content has another class or another split.
        """
        with self.lock:
            if video in self.sources:
                return True
            source = self.hashes.note(video, content_sha256(self.manifest.place(video)))
            self.sources[video] = source
            equal = self._equal.setdefault(source["sha256"], video)
            if equal != video:
                entries, pair = list(self.manifest.entries), [equal, video]
                refuse_contradictions(entries, [pair], str(self.manifest.path))
            return self._is_due(video, source)

    def _is_due(self, video: str, source: dict) -> bool:
        if self.writer.has(video, source):
            self.cached += 1
        elif self.writer.reuse(video, source):
            self.cached, self.renamed = self.cached + 1, self.renamed + 1
        elif source["sha256"] in self._first:
            self.twins[video] = self._first[source["sha256"]]
        else:
            self._first[source["sha256"]] = video
            return True
        return False

    def size(self, video: str) -> int:
        """Return the size of a video in bytes."""
        source = self.sources.get(video)
        return source["size"] if source else content_size(self.manifest.place(video))

    def copy_twins(self) -> None:
        """Copy the features of videos that were computed to those with the same content."""
        for video, twin in self.twins.items():
            if self.writer.reuse(video, self.sources[video]):
                self.cached, self.renamed = self.cached + 1, self.renamed + 1
            else:
                reason = self.failed[twin].removeprefix(f"{self.manifest.place(twin)}")
                self.failed[video] = f"{self.manifest.place(video)}{reason}"
