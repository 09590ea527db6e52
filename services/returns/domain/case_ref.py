"""The reference under which people speak of a case: short, unguessable, and it says nothing about anybody."""

from typing import Final
from uuid import UUID

# Crockford's base 32: no I, L, O or U, so that a reference survives handwriting and the telephone.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": "", " ": ""})
_SYMBOLS: Final = 10

CASE_REF_PATTERN: Final = r"^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{3}$"


def case_ref(case_id: UUID) -> str:
    """Ten symbols of the case id's random tail and a check symbol, as in ``K7QW-2M9X-4RT``.

    The id must be a version 7 UUID: its lowest 50 bits are random, its front would tell when the case began.
    """
    values = [case_id.int >> 5 * place & 31 for place in reversed(range(_SYMBOLS))]
    symbols = "".join(_ALPHABET[value] for value in (*values, _check(values)))
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}"


def read_case_ref(typed: str) -> str | None:
    """The reference that somebody typed, in its one spelling, or None if it cannot be one.

    Lower case, missing dashes, and O, I and L for 0 and 1 are read as meant. One wrong symbol, or any two symbols
    in each other's place, never passes as another reference.
    """
    symbols = typed.strip().upper().translate(_MISREAD)
    if len(symbols) != _SYMBOLS + 1 or any(symbol not in _ALPHABET for symbol in symbols):
        return None
    values = [_ALPHABET.index(symbol) for symbol in symbols]
    if _check(values[:-1]) != values[-1]:
        return None
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}"


def _check(values: list[int]) -> int:
    # A sum over the field GF(32) in which every place has another weight (a power of x), none of them 0 or 1.
    check = 0
    for value in values:
        check = _times_x(check ^ value)
    return check


def _times_x(value: int) -> int:
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled
