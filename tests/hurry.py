"""Tests ask faster than people can, and are no reason to let people ask as fast: what services under test are told."""

from collections.abc import Mapping
from types import MappingProxyType

from ops.system import ALLOWANCES

HURRIED: Mapping[str, str] = MappingProxyType(dict.fromkeys(ALLOWANCES, "1000000"))
