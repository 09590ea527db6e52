"""The annual report out of an export that holds: its figures, the checkpoints it was made from, and what no leaf tells."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from rich.console import Console

from ops.audit import verify_audit
from ops.log_figures.counselling import CounsellingFigures
from ops.log_figures.folding import LogFigures, UnknownEvent
from ops.log_figures.reintegration import ReintegrationFigures
from ops.log_figures.returns import ReturnsFigures
from ops.report import LINES, Row, as_table, rows_of
from ops.settings import CannotStart
from shared.messages import Envelope
from shared.settings import MISSION
from shared.statistics import Figure, Period
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note

_LOGS: Final[Mapping[str, Callable[[], LogFigures]]] = {
    "counselling": CounsellingFigures, "returns": ReturnsFigures, "reintegration": ReintegrationFigures,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FromExport:
    """A year as the logs have it: every figure, the lines of the report, the checkpoint of each log, and what no leaf tells, with why."""

    year: int
    time_zone: str
    figures: tuple[Figure, ...]
    checkpoints: Mapping[str, Checkpoint]
    untold: Mapping[str, str]
    trusted: bool

    @property
    def rows(self) -> list[Row]:
        """The lines of the report."""
        return rows_of(self.figures, self.year, self.untold)

    def as_json(self) -> dict[str, object]:
        """All of it, as the file holds it."""
        return {
            "year": self.year,
            "time_zone": self.time_zone,
            "checkpoints": [
                {"origin": one.origin, "size": one.size, "root": _root(one)} for _, one in sorted(self.checkpoints.items())
            ],
            "keys": "given apart from the export" if self.trusted else "the export's own",
            "rows": [row.as_json() for row in self.rows],
            "not_in_the_log": {line.key: self.untold[line.key] for line in LINES if line.key in self.untold},
        }

    def sentences(self) -> list[str]:
        """What stands below the table: from what it was made, and which lines are missing in it."""
        made = [
            f"Made from the checkpoint of {one.origin}: {one.size} entries, root {_root(one)}."
            for _, one in sorted(self.checkpoints.items())
        ]
        why: dict[str, list[str]] = {}
        for line in LINES:
            if line.key in self.untold:
                why.setdefault(self.untold[line.key], []).append(line.label)
        missing = [f"Not in the table: {'; '.join(labels)}. {reason}" for reason, labels in why.items()]
        keys = [] if self.trusted else ["The keys are the export's own: name those that you were given apart from it with --policy."]
        return [*made, *missing, *keys]


def report_from_export(folder: Path, year: int, policy: Path | None = None, zone: str = MISSION.mission_time_zone) -> FromExport:
    """A year's figures out of the entries of an export, after everything in it was checked.

    ``policy`` are the trusted keys, the export's own by default. CannotStart ``export_unsound`` where anything is found,
    ``export_partial`` where a log is not in it, ``export_too_early`` where no witness saw a log after the year, ``export_unknown`` where these rules do not know an entry.
    """
    _check(folder, policy)
    keys = verify_audit.Policy.of((policy or folder / "policy").read_text(encoding="utf-8"))
    over = datetime(year + 1, 1, 1, tzinfo=ZoneInfo(zone))
    period = Period(date(year, 1, 1), date(year, 12, 31), zone)
    figures: list[Figure] = []
    untold: dict[str, str] = {}
    checkpoints: dict[str, Checkpoint] = {}
    for name, made in _LOGS.items():
        log = made()
        checkpoints[name] = _read(folder / name, log, keys, over)
        figures += log.figures(period)
        untold.update(log.concealed())
    return FromExport(year, zone, tuple(figures), checkpoints, untold, policy is not None)


def print_report(folder: Path, year: int, policy: Path | None, json_file: Path | None) -> int:
    """Prints a year's report out of an export, and writes it to a file too; 1 if a published figure differs."""
    found = report_from_export(folder, year, policy)
    console = Console()
    console.print(as_table(found.rows, year))
    for sentence in found.sentences():
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    if json_file is not None:
        json_file.write_text(json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n")
    return 0 if all(row.equal for row in found.rows) else 1


def _root(checkpoint: Checkpoint) -> str:
    # As its note has it, so that both can be held against each other by eye.
    return b64encode(checkpoint.root).decode()


def _check(folder: Path, policy: Path | None) -> None:
    said: list[str] = []
    given = [] if policy is None else ["--policy", str(policy)]
    if verify_audit.main([str(folder), *given], said.append) != 0:
        raise CannotStart("export_unsound", f"No report is made from an export that does not hold. {said[0]}")


def _read(folder: Path, log: LogFigures, keys: verify_audit.Policy, over: datetime) -> Checkpoint:
    if not (folder / "checkpoint").is_file():
        raise CannotStart("export_partial", f"The export has no log of {folder.name}, without which there are no figures.")
    note = (folder / "checkpoint").read_bytes()
    if verify_audit.checkpoint(note, keys).seen < over.timestamp():
        raise CannotStart("export_too_early", f"No witness saw the log of {folder.name} after the year was over: take an export anew.")
    said = Checkpoint.of(Note.of(note))
    for index, _, entry in verify_audit.Log(folder, said.size).entries({}):
        try:
            log.take(Envelope.model_validate_json(entry))
        except UnknownEvent as unknown:
            raise CannotStart("export_unknown", f"Entry {index} of {folder.name} is of a kind that this avrr does not know: {unknown}.") from None
        except (ValidationError, LookupError, TypeError, AssertionError) as error:
            raise CannotStart(
                "export_unknown", f"Entry {index} of {folder.name} does not follow from those before it ({type(error).__name__})."
            ) from None
    return said
