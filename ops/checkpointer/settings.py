"""Which logs a checkpointer signs, by which keys, who has to see it, and where it listens and keeps what it remembers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, Self

from ops.checkpointer.keys import LogKey, LogKeys
from ops.checkpointer.signing import Witness
from ops.settings import CannotStart
from ops.witness.settings import log_keys_in, port_in
from shared import topology
from shared.tlog.notes import VerifierKey
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

DEFAULT_PORT: Final = 8005
LOG_NAMES: Final = tuple(service.name for service in topology.LOGS)
# What may be meant as a line about former witnesses. Such a one that is none would be a comment, and nobody would hear of it before
# what they saw is to be proven.
_ABOUT_FORMER: Final = re.compile(r"\s*#\s*former", re.IGNORECASE)
_NEEDED: Final = ("AVRR_CHECKPOINTER_FOLDER", "AVRR_CHECKPOINTER_KEYS", "AVRR_LOGS_ORIGIN", "AVRR_WITNESSES")


def log_url_variable(log: str) -> str:
    """The variable that holds the address of a log's database, by the login that reads its hashes."""
    return f"AVRR_LOG_URL_{log.upper()}"


@dataclass(frozen=True, slots=True)
class CheckpointerSettings:
    """How the checkpointer runs."""

    folder: Path
    keys: LogKeys
    house: str
    urls: Mapping[str, str]
    witnesses: TrustPolicy
    exports: tuple[VerifierKey, ...] = ()
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in these variables; `CannotStart` where one is missing or cannot be meant.

        AVRR_LOGS_ORIGIN is what the names of all logs begin with. AVRR_WITNESSES are lines of C2SP's tlog-policy, of which
        a comma ends each like a line does: every witness with its key and address, groups of them, whose word is asked for,
        and whose was asked for before. AVRR_EXPORT_KEYS, between spaces, are those by which exports are signed. Both of these
        last are for the policy alone.
        """
        needed = (*_NEEDED, *map(log_url_variable, LOG_NAMES))
        missing = [name for name in needed if not environment.get(name)]
        if missing:
            raise CannotStart("checkpointer_settings", f"the checkpointer needs {', '.join(missing)}")
        house = environment["AVRR_LOGS_ORIGIN"]
        return cls(
            Path(environment["AVRR_CHECKPOINTER_FOLDER"]), LogKeys(Path(environment["AVRR_CHECKPOINTER_KEYS"]), house), house,
            {log: environment[log_url_variable(log)] for log in LOG_NAMES}, witnesses_in(environment["AVRR_WITNESSES"]),
            log_keys_in("AVRR_EXPORT_KEYS", environment.get("AVRR_EXPORT_KEYS", "")), environment.get("AVRR_HOST", "127.0.0.1"),
            port_in(environment, DEFAULT_PORT),
        )  # fmt: skip

    def origin(self, log: str) -> str:
        """The name of a log, the same in checkpoints, policies and exports."""
        return f"{self.house}/{log}"

    def keys_of_all(self, today: date) -> Mapping[str, tuple[LogKey, ...]]:
        """Every key of each log, the oldest first; the first ones are made now if there are none."""
        return {log: self.keys.of(log, today) for log in self.urls}

    def policy(self, keys: Mapping[str, tuple[LogKey, ...]]) -> TrustPolicy:
        """Whom an auditor trusts: each key that a log ever had, those of exports, and the witnesses, former ones too."""
        of_logs = (key.signer.verifier_key for ours in keys.values() for key in ours)
        return replace(self.witnesses, logs=(*of_logs, *self.exports))

    def asked(self) -> tuple[Witness, ...]:
        """The witnesses that are shown each checkpoint."""
        return tuple(Witness(key, self.witnesses.urls[name]) for name, key in self.witnesses.witnesses.items())


def witnesses_in(written: str) -> TrustPolicy:
    """The witnesses that these lines name; `CannotStart` where one cannot be read, has no address, or nobody's word is asked.

    So it is of a comment that is about former witnesses and names none.
    """
    lines = written.replace(",", "\n")
    for line in filter(_ABOUT_FORMER.match, lines.split("\n")):
        _refuse_unless_former(line.strip())
    try:
        found = TrustPolicy.of(lines)
    except LogRefused as refusal:
        raise CannotStart("checkpointer_settings", f"AVRR_WITNESSES: {refusal}") from None
    if found.quorum not in {*found.witnesses, *found.groups} or found.logs:
        raise CannotStart("checkpointer_settings", "AVRR_WITNESSES names witnesses, and whose word is asked for, and no logs.")
    if any(not re.fullmatch(r"https?://\S+", found.urls.get(name, "")) for name in found.witnesses):
        raise CannotStart("checkpointer_settings", "AVRR_WITNESSES says of each witness the address where it is asked.")
    return found


def _refuse_unless_former(line: str) -> None:
    why = "It does not begin with #former and a space."
    try:
        if TrustPolicy.of(f"{line}\nquorum none").former:
            return
    except LogRefused as refusal:
        why = str(refusal)
    raise CannotStart(
        "checkpointer_settings",
        f"AVRR_WITNESSES: a line about former witnesses is #former MOMENT any|all|NUMBER KEY…, such as #former 2026-12-01T00:00:00Z all KEY. {why}",
    )
