"""What a payment is called on its way through the banks: made from ids alone, so that it says nothing of whom or what for."""

import re
from typing import Final
from uuid import UUID

from services.reintegration.bank.accounts import remainder_97

_END_TO_END: Final = re.compile(r"[0-9a-fA-F]{32}")
_BLOCK: Final = re.compile(r"[0-9a-fA-F]{32}[0-9]{3}")
# What stands for a block that somebody else named; its name is not kept.
OTHERS_BLOCK: Final = "other"
_NO_BLOCK: Final = frozenset({"NOTPROVIDED", "NONREF", "NOTAVAILABLE"})
_REMITTANCE: Final = re.compile(r"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{2}")
_WITHIN: Final = re.compile(rf"(?<![0-9-]){_REMITTANCE.pattern}(?![0-9-])")
_TWELVE_DIGITS: Final = 10**12


def identification(id: UUID) -> str:
    """The 32 characters by which a file, or one attempt to pay, is identified: its id, which is not the tranche's."""
    return id.hex


def identified(written: str | None) -> UUID | None:
    """The id that a bank wrote back to us, in any case; None for what is not of ours."""
    return UUID(hex=written) if written is not None and _END_TO_END.fullmatch(written) else None


def block_identification(instruction: UUID, number: int) -> str:
    """How the block of this number, at most 999, is identified within a file."""
    return f"{identification(instruction)}{number:03d}"


def identified_block(written: str | None) -> str | None:
    """The block that a bank wrote back to us, as we identify it; None for what is not of ours."""
    return written.lower() if written is not None and _BLOCK.fullmatch(written) else None


def told_block(written: str | None) -> str | None:
    """The block that a bank names, as we identify ours; `OTHERS_BLOCK` for one that is none of ours, None where it names none."""
    if written is None or written.upper() in _NO_BLOCK:
        return None
    return identified_block(written) or OTHERS_BLOCK


def remittance_code(id: UUID) -> str:
    """What the payee's own statement shows: twelve digits of a version 7 id's random tail and two check digits (ISO 7064).

    No letter is in it, so that it can spell no purpose; the same id always has the same one.
    """
    digits = f"{id.int % _TWELVE_DIGITS:012d}"
    checked = f"{digits}{98 - remainder_97(f'{digits}00'):02d}"
    return "-".join((checked[:4], checked[4:8], checked[8:12], checked[12:]))


def is_remittance_code(code: str) -> bool:
    """Whether this is such a code; a number that somebody thought of passes as one in a hundred times."""
    return _REMITTANCE.fullmatch(code) is not None and remainder_97(code.replace("-", "")) == 1


def remittance_code_in(words: str) -> str | None:
    """The one such code among words that a bank wrote back, of which nothing else is kept; None for none, and for several."""
    found = remittance_codes_in(words)
    return next(iter(found)) if len(found) == 1 else None


def remittance_codes_in(words: str) -> frozenset[str]:
    """Every such code among words that a bank wrote back."""
    return frozenset(code for code in _WITHIN.findall(words) if is_remittance_code(code))
