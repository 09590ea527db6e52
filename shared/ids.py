"""UUIDv7 (RFC 9562): ids that sort by the time they were chosen and cannot be guessed."""

import secrets
import time
from typing import Final
from uuid import UUID

# Before every id, where a list that goes by ids begins.
FIRST: Final = UUID(int=0)
# Behind every id, where a list that goes by ids backwards begins.
LAST: Final = UUID(int=2**128 - 1)
# How an id stands in a longer text.
UUID_PATTERN: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def uuid7(at_ms: int | None = None) -> UUID:
    """A new id; ``at_ms`` is milliseconds since 1970 in UTC, the present by default."""
    stamp = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80 | secrets.randbits(80)
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)
