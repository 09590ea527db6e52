"""Whether what was signed of a log says that its database was set back, also after a restore that two persons accepted."""

import httpx
import pytest

from shared.set_back import Word, told_by_checkpoint
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
    assert (await told(origin, signed, has, accepted)).known == found


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        (200, '{"logs": {}}', True),
        (503, '{"logs": {"counselling": {"code": "log_shrank"}}}', True),
        (503, '{"logs": {"returns": {"code": "log_rewritten"}}}', False),
        (503, '{"logs": {"returns": {"code": "checkpoint_late"}}}', False),
        (503, '{"logs": {"returns": {"code": "no_checkpoint_yet"}}}', False),
        (404, '{"logs": {}}', False),
        (200, '{"logs": null}', False),
        (200, "[]", False),
        (503, "away", False),
    ],
    ids=["well", "another_log", "in_alarm", "late", "not_confirmed", "no_such_page", "nothing", "list", "no_json"],
)
async def test_what_was_signed_says_that_nothing_is_missing_only_while_the_checkpointer_stands_by_it(
    status: int, state: str, says: bool
) -> None:
    for origin, accepted in (("returns", (0, 0)), ("returns/2", (80, 1))):
        word = await told(origin, 90, 100, accepted, httpx.Response(status, text=state))
        assert (word.said, word.known) == (says, None)


@pytest.mark.parametrize(
    ("origin", "accepted", "says"),
    [
        ("returns/2", (80, 1), True),
        ("returns/2", (0, 0), False),
        ("returns/3", (80, 1), False),
        # Of a mark that should not have been there the checkpointer makes no new name.
        ("returns", (80, 1), True),
        ("returns", (90, 1), False),
    ],
)
async def test_under_a_later_name_than_the_database_knows_restores_of_nobody_says_that_nothing_is_missing(
    origin: str, accepted: tuple[int, int], says: bool
) -> None:
    word = await told(origin, 90, 100, accepted)
    assert (word.said, word.known) == (says, None)


async def told(
    origin: str, signed: int, has: int, accepted: tuple[int, int], state: httpx.Response | None = None
) -> Word:  # fmt: skip
    """What is said of a log of so many entries by a checkpoint, and by what the checkpointer tells of itself."""
    text = Checkpoint(f"logs.invented.example/{origin}", signed, bytes(32)).text
    note = httpx.Response(200, text=str(Note(text, (KEY.sign(text),))))
    ready = state or httpx.Response(200, json={"logs": {}})

    async def size() -> int:
        return has

    async def known() -> tuple[int, int]:
        return accepted

    transport = httpx.MockTransport(lambda request: ready if request.url.path == "/readyz" else note)
    async with httpx.AsyncClient(transport=transport) as client:
        return await told_by_checkpoint(client, "http://invented.example", BY_NAME["returns"], size, known)
