"""Files of a bank's with something in them that no bank would write, as they come about by chance or on purpose."""

import re
from random import Random

from tests.unit.reintegration.bank.answers import (
    Account,
    Block,
    Detail,
    Entry,
    Told,
    Transaction,
    camt053,
    pain002,
)
from tests.unit.reintegration.bank.examples import attempt

_ELEMENT = re.compile(rb"<(\w+)[^<>]*>([^<>]*)</\1>")
_ODD = (
    b"", b" ", b"-1", b"1e9", b"9" * 30, b"NaN", b"Infinity", b"0.001", b"\xd9\xa3", b"\xe2\x80\xae", b"2023-13-45", b"0000-00-00", b"9999-12-31",
    b"XXX", b"EUR", b"&#0;", b"&amp;", b"<a/>", b"true", b"BOOK", b"RJCT", b"A" * 5000, b"DE89370400440532013000", b"\x00", b"\xff\xfe", b"]]>",
)  # fmt: skip
STATEMENT = camt053(
    Account(
        [
            Entry("-500.00", [Detail(attempt(1).hex, "500.00")], reference="B-1"), Entry("500.00", [Detail(attempt(1).hex, "500.00", reason="<Cd>AC04</Cd>")]),
            Entry("-30.00", [Detail(attempt(2).hex, "10.00", ordered="TND 33.500", rate="3.35"), Detail(attempt(3).hex, "20.00")], block=f"{attempt(9).hex}001"),
        ],
        id="MAY-1",
    ),
    Account([Entry("-3.50", reference="CHARGE")], id="MAY-2"),
)  # fmt: skip
REPORT = pain002(
    attempt(9).hex, Told("PART"),
    [Block(f"{attempt(9).hex}001", Told("PART"), [Transaction(attempt(1).hex, Told("RJCT", ["AC04"])), Transaction(attempt(2).hex, Told("ACSC"))])],
)  # fmt: skip


def mutated(file: bytes, seed: int) -> bytes:
    """The file with one to three faults, the same ones for the same seed."""
    random = Random(seed)
    for _ in range(random.randint(1, 3)):
        file = _faulty(file, random)
    return file


def _faulty(file: bytes, random: Random) -> bytes:
    elements = list(_ELEMENT.finditer(file))
    kind = random.randrange(6)
    if kind == 0 or not elements:
        at = random.randrange(len(file) + 1)
        return file[:at] + bytes([random.randrange(256)]) + file[at + random.randrange(2) :]
    if kind == 1:
        at, length = random.randrange(len(file)), random.randint(1, 200)
        return file[:at] + file[at + length :]
    chosen = random.choice(elements)
    if kind == 2:
        return file[: chosen.start()] + file[chosen.end() :]
    if kind == 3:
        return file[: chosen.end()] + chosen.group() + file[chosen.end() :]
    odd = random.choice(_ODD) if kind == 4 else random.choice(elements).group(2)
    return file[: chosen.start(2)] + odd + file[chosen.end(2) :]
