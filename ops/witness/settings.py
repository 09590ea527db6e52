"""Under which name a witness signs, for which logs, where it listens and where it keeps its key and its memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ops.secrets import Secrets
from ops.settings import CannotStart
from shared.tlog.notes import COSIGNATURE, ED25519, Signer, VerifierKey
from shared.tlog.refusals import LogRefused

DEFAULT_PORT: Final = 8006
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """How one witness runs."""

    folder: Path
    name: str
    logs: tuple[VerifierKey, ...]
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in these variables; `CannotStart` where one is missing or cannot be meant.

        AVRR_WITNESS_LOGS is the file of the logs' keys, each on a line as C2SP's signed-note writes it.
        """
        missing = [name for name in ("AVRR_WITNESS_FOLDER", "AVRR_WITNESS_NAME", "AVRR_WITNESS_LOGS") if not environment.get(name)]
        if missing:
            raise CannotStart("witness_settings", f"a witness needs {', '.join(missing)}")
        port = environment.get("AVRR_WITNESS_PORT", str(DEFAULT_PORT))
        if not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
            raise CannotStart("witness_settings", "AVRR_WITNESS_PORT must be a port number")
        return cls(
            Path(environment["AVRR_WITNESS_FOLDER"]), environment["AVRR_WITNESS_NAME"], logs_in(Path(environment["AVRR_WITNESS_LOGS"])),
            environment.get("AVRR_WITNESS_HOST", "127.0.0.1"), int(port),
        )  # fmt: skip

    @property
    def signer(self) -> Signer:
        """Who signs, by a key that is made at the first start and never leaves its folder."""
        try:
            return Signer.of(self.name, COSIGNATURE, Secrets(self.folder).key("witness_key"))
        except LogRefused as refusal:
            raise CannotStart("witness_settings", f"AVRR_WITNESS_NAME: {refusal}") from None


def logs_in(path: Path) -> tuple[VerifierKey, ...]:
    """The keys of logs in a file; `CannotStart` where it cannot be read, or a line is no key of a log."""
    try:
        keys = [VerifierKey.of(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, UnicodeDecodeError, LogRefused):
        raise CannotStart("witness_settings", f"{path} is not a file of keys of logs, one on each line") from None
    if any(key.type != ED25519 for key in keys):
        raise CannotStart("witness_settings", f"{path} has a key that is not of a log")
    return tuple(keys)
