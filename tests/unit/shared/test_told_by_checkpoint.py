"""Whether what was signed of a log says that its database was set back, also after a restore that two persons accepted."""

import httpx
import pytest

from shared.set_back import told_by_checkpoint
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import ED25519, Note, Signer
from shared.topology import BY_NAME

KEY = Signer.of("logs.invented.example/returns", ED25519, bytes([3]) * 32)


@pytest.mark.parametrize(
    ("origin", "signed", "has", "accepted", "found"),
    [
        ("returns", 100, 100, (0, 0), None),
        ("returns", 100, 90, (0, 0), 100),
        ("counselling", 100, 90, (0, 0), None),
        # Two persons accepted that these are lost, and the next name was not signed yet.
        ("returns", 100, 92, (100, 1), None),
        ("returns", 101, 92, (100, 1), 101),
        # Under the next name: it was set back again, though fewer were signed than were known of before.
        ("returns/2", 95, 95, (100, 1), None),
        ("returns/2", 95, 93, (100, 1), 95),
        ("returns/2", 95, 80, (0, 0), 95),
        ("returns/3", 95, 93, (100, 2), 95),
        ("returns/2", 95, 93, (100, 2), None),
    ],
)
async def test_a_log_that_has_less_than_was_signed_of_it_was_set_back_unless_that_is_what_was_accepted(
    origin: str, signed: int, has: int, accepted: tuple[int, int], found: int | None
) -> None:
    text = Checkpoint(f"logs.invented.example/{origin}", signed, bytes(32)).text
    note = Note(text, (KEY.sign(text),))

    async def size() -> int:
        return has

    async def known() -> tuple[int, int]:
        return accepted

    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=str(note)))) as client:
        assert (await told_by_checkpoint(client, "http://invented.example", BY_NAME["returns"], size, known)).known == found
