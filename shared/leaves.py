"""What stands in the bytes of an entry, whoever wrote them."""

import json
from collections.abc import Mapping
from typing import Any


def told_by(leaf: bytes) -> Mapping[str, Any]:
    """What stands in a leaf; nothing if it cannot be read, which is for `verify` to tell."""
    try:
        told = json.loads(leaf)
    except (ValueError, RecursionError):
        # A leaf that is nested deeper than the reader goes was written past the rules.
        return {}
    return told if isinstance(told, dict) else {}
