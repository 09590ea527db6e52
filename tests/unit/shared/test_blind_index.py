"""Whoever holds the keys of a blind index keeps the same promises: files, and a transit engine over HTTP."""

import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.blind_index import FileIndexKeys, IndexKeys, Term, TransitIndexKeys, tokens_of
from shared.certificates import trusted
from shared.epochs import EpochsAway
from shared.sealing import Unsealed
from tests.unit.shared.transit_engine import TransitEngine, TransitKey, running_engine

TERMS = [Term("name", "1990 HSN", 12), Term("document", "AF P0777123", 128), Term("document", "1990 HSN", 128)]


@pytest.fixture
def engine() -> Iterator[TransitEngine]:
    with running_engine(TransitEngine(keys={"avrr-counselling-index": TransitKey()})) as running:
        yield running


@pytest.fixture
async def transit(engine: TransitEngine, tmp_path: Path) -> AsyncIterator[TransitIndexKeys]:
    token = tmp_path / "token"
    token.write_text(f"{engine.token}\n")
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        yield TransitIndexKeys(client, engine.url, "counselling", token)


@pytest.fixture
def files(tmp_path: Path) -> FileIndexKeys:
    keys = FileIndexKeys(tmp_path / "secrets" / "epochs")
    keys.begin()
    return keys


@pytest.fixture(params=["files", "transit"])
def keys(request: pytest.FixtureRequest) -> IndexKeys:
    found: IndexKeys = request.getfixturevalue(request.param)
    return found


async def test_the_same_text_has_the_same_hash_for_one_purpose_under_one_key(keys: IndexKeys) -> None:
    key = await keys.current()
    tokens = await tokens_of(keys, key, TERMS)
    assert tokens == await tokens_of(keys, key, TERMS)
    assert [len(token) for token in tokens] == [2, 16, 16]
    assert tokens[0][0] < 16
    assert tokens[1] != tokens[2]
    assert await tokens_of(keys, key, []) == []


async def test_after_a_rotation_both_keys_are_live_until_the_former_one_is_destroyed(
    request: pytest.FixtureRequest, keys: IndexKeys
) -> None:
    former = await keys.current()
    before = await tokens_of(keys, former, TERMS)
    assert isinstance(keys, FileIndexKeys | TransitIndexKeys)
    current = await keys.rotate()
    assert await keys.live() == [current, former]
    assert await tokens_of(keys, former, TERMS) == before
    assert await tokens_of(keys, current, TERMS) != before
    await keys.destroy(former)
    assert await keys.live() == [current]
    with pytest.raises((Unsealed, EpochsAway)):
        await tokens_of(keys, former, TERMS)


async def test_the_key_is_a_file_that_nobody_else_reads_beside_those_of_the_epochs(
    files: FileIndexKeys, tmp_path: Path
) -> None:
    (path,) = (tmp_path / "secrets" / "epochs" / "index").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files.begin()
    assert await files.live() == ["1"]
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        await tokens_of(files, "1", TERMS)


async def test_two_installations_have_nothing_in_common(tmp_path: Path) -> None:
    made = [FileIndexKeys(tmp_path / name) for name in ("one", "other")]
    for keys in made:
        keys.begin()
    one, other = [await tokens_of(keys, "1", TERMS) for keys in made]
    assert not set(one[1:]) & set(other[1:])


@pytest.mark.parametrize(
    "instead",
    [(500, b"{}"), (200, b"{}"), (200, b'{"data": {"batch_results": [{"hmac": "vault:v1:AAAA"}]}}'), (200, b"no")],
)
async def test_an_engine_that_answers_otherwise_is_away(
    engine: TransitEngine, transit: TransitIndexKeys, instead: tuple[int, bytes]
) -> None:
    engine.instead = instead
    with pytest.raises(EpochsAway):
        await tokens_of(transit, "1", TERMS[:1])


async def test_the_engine_is_asked_once_for_many_texts(engine: TransitEngine, transit: TransitIndexKeys) -> None:
    await tokens_of(transit, "1", TERMS * 20)
    assert engine.asked == ["POST /v1/transit/hmac/avrr-counselling-index"]


@given(st.text(max_size=40), st.integers(1, 256))
def test_a_term_is_printed_without_its_text(text: str, bits: int) -> None:
    assert repr(Term("name", f"kanari{text}", bits)) == f"Term(purpose='name', bits={bits})"
