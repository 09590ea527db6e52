"""Under which name a witness signs, for which logs, where it listens and where it keeps its key and its memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from ops.secrets import Secrets
from ops.settings import CannotStart
from shared.tlog.notes import COSIGNATURE, ED25519, Signer, VerifierKey
from shared.tlog.refusals import LogRefused

DEFAULT_PORT: Final = 8006
_LAST_PORT: Final = 65535
_END: Final = "@"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key of a log, and the first day (UTC) on which what it signs is not taken any more; None where that is not known."""

    key: VerifierKey
    end: date | None = None

    def __str__(self) -> str:
        """As it stands in AVRR_LOG_KEYS."""
        return str(self.key) if self.end is None else f"{self.key}{_END}{self.end.isoformat()}"

    @classmethod
    def of(cls, written: str) -> Self:
        """A key as it is written there; LogRefused where it is none, or no day stands behind it."""
        key, end, day = written.rpartition(_END)
        # The name of a key may have the sign as well, and nothing behind the name.
        if not end or "+" in day:
            return cls(VerifierKey.of(written))
        try:
            return cls(VerifierKey.of(key), date.fromisoformat(day))
        except ValueError as error:
            if isinstance(error, LogRefused):
                raise
            raise LogRefused("key_wrong", "What stands behind a key is no day.") from None

    def counts_on(self, day: date) -> bool:
        """Whether what it signs is taken on this day."""
        return self.end is None or day < self.end


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """How one witness runs."""

    folder: Path
    name: str
    logs: tuple[KnownKey, ...]
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in these variables; `CannotStart` where one is missing or cannot be meant.

        AVRR_LOG_KEYS are the keys of the logs that it knows, between spaces, each as C2SP's signed-note writes it; behind one that
        was changed for another @ and the first day on which it is not taken any more.
        """
        missing = [name for name in ("AVRR_WITNESS_FOLDER", "AVRR_WITNESS_NAME", "AVRR_LOG_KEYS") if not environment.get(name)]
        if missing:
            raise CannotStart("witness_settings", f"a witness needs {', '.join(missing)}")
        return cls(
            Path(environment["AVRR_WITNESS_FOLDER"]), environment["AVRR_WITNESS_NAME"],
            known_keys_in("AVRR_LOG_KEYS", environment["AVRR_LOG_KEYS"]), environment.get("AVRR_HOST", "127.0.0.1"),
            port_in(environment, DEFAULT_PORT),
        )  # fmt: skip

    @property
    def signer(self) -> Signer:
        """Who signs, by a key that is made at the first start and never leaves its folder."""
        return signer_in(self.folder, self.name)


def signer_in(folder: Path, name: str) -> Signer:
    """The witness whose key is in this folder, made if there is none; `CannotStart` where no line of a note can bear its name."""
    try:
        return Signer.of(name, COSIGNATURE, Secrets(folder).key("witness_key"))
    except LogRefused as refusal:
        raise CannotStart("witness_settings", f"AVRR_WITNESS_NAME: {refusal}") from None


def known_keys_in(variable: str, written: str) -> tuple[KnownKey, ...]:
    """The keys between spaces, each perhaps with its end; `CannotStart` where one is none, or not of the type of logs."""
    try:
        keys = tuple(KnownKey.of(key) for key in written.split())
    except LogRefused as refusal:
        raise CannotStart("keys_wrong", f"{variable}: {refusal}") from None
    if any(one.key.type != ED25519 for one in keys):
        raise CannotStart("keys_wrong", f"{variable} has a key that is not of a log.")
    return keys


def log_keys_in(variable: str, written: str) -> tuple[VerifierKey, ...]:
    """The keys between spaces, which have no ends; `CannotStart` where one is none, or not of the type of logs."""
    keys = known_keys_in(variable, written)
    if any(one.end is not None for one in keys):
        raise CannotStart("keys_wrong", f"{variable} has a key with an end.")
    return tuple(one.key for one in keys)


def port_in(environment: Mapping[str, str], usual: int) -> int:
    """Where to listen; `CannotStart` where that is no port."""
    port = environment.get("AVRR_PORT", str(usual))
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise CannotStart("port_wrong", "AVRR_PORT must be a port number")
    return int(port)
