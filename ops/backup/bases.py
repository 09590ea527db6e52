"""A base as it was listed when it was taken: of when it is, and which write-ahead log it needs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ops.backup.kept_settings import KeptSettings
from ops.backup.manifests import LIST, read_manifest
from ops.backup.wal import lsn_of, segment_name
from ops.settings import CannotStart


@dataclass(frozen=True, slots=True)
class Base:
    """One base: from ``start`` on the log is needed, and from ``end`` on it is whole; that was at ``finished_at``.

    ``former`` are the ids of what its data folder had been restored from, and ``settings`` those by which it ran.
    """

    folder: Path
    finished_at: datetime
    timeline: int
    start: int
    end: int
    segment_bytes: int
    postgres: int
    embedded: bool
    former: tuple[str, ...]
    settings: KeptSettings

    @property
    def first_segment(self) -> str:
        """The first file of the log that it needs."""
        return segment_name(self.timeline, self.start, self.segment_bytes)

    @property
    def server_files(self) -> Path:
        """PostgreSQL's own folder, as it was copied."""
        return self.folder / "postgres"

    @classmethod
    def checked(cls, folder: Path, key: bytes) -> Self:
        """The base in this folder; `Damaged` where its list is not as it was written under this key."""
        return cls._of(folder, read_manifest(folder, key))

    @classmethod
    def unchecked(cls, folder: Path) -> Self:
        """The same as the list says it, whoever wrote it; `CannotStart` where it cannot be read."""
        try:
            return cls._of(folder, json.loads((folder / LIST).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            raise CannotStart("base_unreadable", f"{folder / LIST} can't be read.") from None

    @classmethod
    def _of(cls, folder: Path, told: dict[str, Any]) -> Self:
        return cls(
            folder, datetime.fromisoformat(told["finished_at"]).astimezone(UTC), int(told["timeline"]), lsn_of(told["start"]),
            lsn_of(told["end"]), int(told["segment_bytes"]), int(told["postgres"]), bool(told["embedded"]),
            tuple(told.get("former", ())), KeptSettings.told(told),
        )  # fmt: skip
