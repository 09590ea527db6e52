"""By which keys checkpoints are signed: one for each log, and for a time two, while one is changed for another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from ops.secrets import Secrets
from ops.settings import CannotStart
from ops.witness.settings import KnownKey
from shared.durable_files import write_durably
from shared.tlog.notes import ED25519, Signer, VerifierKey
from shared.tlog.refusals import LogRefused

# So long whoever trusts the former key alone has to learn of the new one.
BOTH_SIGN: Final = timedelta(days=30)
_ROTATING: Final = "rotating"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of a log, and the day (UTC) from which on it signs."""

    since: date
    signer: Signer


class LogKeys:
    """A folder of its own with one private key a file, named after its log and the day from which on it signs."""

    def __init__(self, folder: Path, house: str) -> None:
        """``house`` is what the names of all logs begin with; `CannotStart` where no line of a note can bear it."""
        self._secrets = Secrets(folder)
        self._house = house
        try:
            _ = VerifierKey(f"{house}/log", ED25519, bytes(32))
        except LogRefused as refusal:
            raise CannotStart("checkpointer_settings", f"AVRR_LOGS_ORIGIN: {refusal}") from None

    def of(self, log: str, today: date) -> tuple[LogKey, ...]:
        """Every key that the log ever had, the oldest first; its first one is made by whoever asks first."""
        if not self._days(log):
            self._key(log, today)
        return tuple(self._key(log, day) for day in self._days(log))

    def rotate(self, logs: Sequence[str], today: date) -> None:
        """Gives each log a new key, which signs beside the former one from the next start on; `CannotStart` on its first day.

        One that ended between two logs is finished by the next, which gives those a key that got none.
        """
        begun = self._secrets.folder / _ROTATING
        since = _day_in(begun)
        left = [log for log in logs if since is not None and self.of(log, today)[-1].since < since]
        if not left:
            if any(today <= self.of(log, today)[-1].since for log in logs):
                raise CannotStart("keys_are_new", "A log whose key is of today gets no other one before tomorrow.")
            write_durably(begun, today.isoformat().encode())
            left = list(logs)
        for log in left:
            self._key(log, today)
        begun.unlink()

    def _days(self, log: str) -> list[date]:
        names = (re.fullmatch(rf"{log}_(\d{{8}})", path.name) for path in self._secrets.folder.glob(f"{log}_*"))
        return sorted(datetime.strptime(name[1], "%Y%m%d").replace(tzinfo=UTC).date() for name in names if name)

    def _key(self, log: str, since: date) -> LogKey:
        return LogKey(since, Signer.of(f"{self._house}/{log}", ED25519, self._secrets.key(f"{log}_{since:%Y%m%d}")))


def ends(keys: Sequence[LogKey]) -> tuple[date | None, ...]:
    """The first day (UTC) on which each of a log's keys, the oldest first, signs no more; None of the newest."""
    return (*(later.since + BOTH_SIGN for later in keys[1:]), None)


def known(keys: Sequence[LogKey]) -> tuple[KnownKey, ...]:
    """The same keys as a witness is told them: what a former one signs from its end on is not what the log signs."""
    return tuple(KnownKey(key.signer.verifier_key, end) for key, end in zip(keys, ends(keys), strict=True))


def signing(keys: Sequence[LogKey], today: date) -> tuple[Signer, ...]:
    """Who signs on a day: the newest key, and each former one for `BOTH_SIGN` after the next one began; the newest first."""
    return tuple(key.signer for key, end in zip(keys, ends(keys), strict=True) if end is None or today < end)[::-1]


def _day_in(begun: Path) -> date | None:
    """When a rotation began that was not finished; `CannotStart` where the file does not say it."""
    try:
        return date.fromisoformat(begun.read_text("ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise CannotStart("rotation_damaged", f"{begun} does not say when a rotation began; look which logs have a key of it") from None
