"""Tests ask faster than people can, and are no reason to let people ask as fast: what services under test are told."""

from collections.abc import Mapping
from types import MappingProxyType

HURRIED: Mapping[str, str] = MappingProxyType(
    {
        f"AVRR_{kind}": "1000000"
        for kind in (
            "WRITES_PER_MINUTE", "READS_PER_MINUTE", "SEARCHES_PER_MINUTE", "DISCLOSURES_PER_MINUTE", "EXPORTS_PER_HOUR",
        )
    }
)
