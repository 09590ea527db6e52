"""The operator's settings as a system was started with them: noted beside its data, kept with each base, told after a restore."""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ops.settings import OpsSettings
from shared.durable_files import write_durably

ORIGIN: Final = "AVRR_LOGS_ORIGIN"
_FILE: Final = "settings.json"
_OURS: Final = "AVRR_"
_SECRET: Final = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|SEED")
# What names a place says nothing of what is there, and these keys are for everybody.
_NO_SECRET: Final = re.compile(r".*_(?:FILE|FOLDER|DIR)|AVRR_(?:LOG|EXPORT)_KEYS")


@dataclass(frozen=True, slots=True)
class KeptSettings:
    """What was set, by name, and the names of what is kept nowhere: it may be a secret, or the address of a person."""

    kept: Mapping[str, str]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Those of this environment."""
        ours = {name: value for name, value in sorted(environment.items()) if name.startswith(_OURS)}
        left_out = tuple(name for name, value in ours.items() if _is_private(name, value))
        return cls({name: value for name, value in ours.items() if name not in left_out}, left_out)

    @classmethod
    def told(cls, told: Mapping[str, object]) -> Self:
        """As a base tells them; one from before they were kept by their names tells none."""
        kept, left_out = told.get("settings"), told.get("settings_left_out", ())
        if not isinstance(kept, dict) or not isinstance(left_out, list | tuple):
            return cls({}, ())
        return cls({str(name): str(value) for name, value in kept.items() if name.startswith(_OURS)}, tuple(map(str, left_out)))

    @property
    def content(self) -> dict[str, object]:
        """As they are told."""
        return {"settings": dict(self.kept), "settings_left_out": list(self.left_out)}

    @property
    def lines(self) -> list[str]:
        """For whoever starts the system again."""
        said = ["Set when the base was taken:", *(f"  {name}={value}" for name, value in self.kept.items())] if self.kept else []
        return [*said, f"Set as well, and kept nowhere: {', '.join(self.left_out)}"] if self.left_out else said


def note_settings(settings: OpsSettings, environment: Mapping[str, str]) -> None:
    """Leaves word beside the data by which settings the system was started; of a backup that a scheduler gives others are known."""
    found = KeptSettings.of({**environment, ORIGIN: settings.logs_origin})
    write_durably(_noted(settings), json.dumps(found.content).encode())


def settings_of(settings: OpsSettings, environment: Mapping[str, str]) -> KeptSettings:
    """Those by which the system was started last; where no start left word, those of this environment."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return KeptSettings.told(json.loads(_noted(settings).read_bytes()))
    return KeptSettings.of(environment)


def as_it_is_copied(settings: OpsSettings) -> OpsSettings:
    """With the places of its copies by which the system was started last, where none are named: a scheduler hands none on."""
    kept = settings_of(settings, {}).kept
    backups, keys = (Path(kept[name]) if name in kept else None for name in ("AVRR_BACKUP_DIR", "AVRR_BACKUP_KEYS_DIR"))
    return settings.model_copy(
        update={"backup_dir": settings.backup_dir or backups, "backup_keys_dir": settings.backup_keys_dir or keys}
    )


def _noted(settings: OpsSettings) -> Path:
    return settings.data_folder / _FILE


def _is_private(name: str, value: str) -> bool:
    return "@" in value or (_SECRET.search(name) is not None and _NO_SECRET.fullmatch(name) is None)
