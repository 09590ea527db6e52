"""Whoever holds the epochs' keys keeps the same promises: files, and a transit engine over HTTP."""

import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import structlog

from shared.certificates import trusted
from shared.epochs import Bare, Epochs, EpochsAway, FileEpochs, StillCurrent, Wrapped
from shared.sealing import Unsealed
from shared.transit import TransitEpochs
from tests.unit.shared.transit_engine import TransitEngine, TransitKey, running_engine

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
BOUND = b"counselling, somebody"


@pytest.fixture
def engine() -> Iterator[TransitEngine]:
    with running_engine(TransitEngine(keys={"avrr-counselling": TransitKey()})) as running:
        yield running


@pytest.fixture
async def transit(engine: TransitEngine, tmp_path: Path) -> AsyncIterator[TransitEpochs]:
    token = tmp_path / "token"
    token.write_text(f"{engine.token}\n")
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        yield TransitEpochs(client, engine.url, "counselling", token)


@pytest.fixture
def files(tmp_path: Path) -> FileEpochs:
    epochs = FileEpochs(tmp_path / "secrets" / "epochs")
    epochs.begin()
    return epochs


@pytest.fixture(params=["files", "transit"])
def epochs(request: pytest.FixtureRequest) -> Epochs:
    found: Epochs = request.getfixturevalue(request.param)
    return found


async def wrapped_by(epochs: Epochs, key: bytes = KEY, bound: bytes = BOUND) -> Wrapped:
    (wrapped,) = await epochs.wrap([Bare(key, bound)])
    return wrapped


async def test_keys_come_back_in_their_order(epochs: Epochs) -> None:
    wrapped = await epochs.wrap([Bare(KEY, BOUND), Bare(OTHER, b"counselling, somebody else")])
    assert await epochs.unwrap(wrapped) == [KEY, OTHER]
    assert await epochs.unwrap(wrapped[::-1]) == [OTHER, KEY]
    assert (await epochs.wrap([]), await epochs.unwrap([])) == ([], [])
    assert {each.epoch for each in wrapped} == {await epochs.current()}


async def test_a_key_is_never_wrapped_twice_alike_and_does_not_stand_in_what_is_kept(epochs: Epochs) -> None:
    first, second = await wrapped_by(epochs), await wrapped_by(epochs)
    assert first.wrapped != second.wrapped
    assert KEY not in first.wrapped
    assert KEY.hex() not in repr(Bare(KEY, BOUND)) and str(KEY) not in repr(Bare(KEY, BOUND))


async def test_bound_to_something_else_it_does_not_unwrap_even_among_others(epochs: Epochs) -> None:
    wrapped = await wrapped_by(epochs)
    for wrong in (replace(wrapped, bound=b"counselling, somebody else"), replace(wrapped, bound=b"")):
        with pytest.raises(Unsealed):
            await epochs.unwrap([wrong])
        with pytest.raises(Unsealed):
            await epochs.unwrap([wrapped, wrong])


async def test_what_was_changed_or_cut_does_not_unwrap(epochs: Epochs) -> None:
    wrapped = await wrapped_by(epochs)
    kept = wrapped.wrapped
    changed = bytes([*kept[:-3], kept[-3] ^ 1, *kept[-2:]])
    for wrong in (changed, kept[:-4], kept[:5], b"", b"\xff" * 60):
        with pytest.raises(Unsealed):
            await epochs.unwrap([replace(wrapped, wrapped=wrong)])


async def test_after_a_rotation_new_keys_are_of_the_new_epoch_and_old_ones_still_unwrap(epochs: Epochs) -> None:
    before = await wrapped_by(epochs)
    begun = await epochs.rotate()
    after = await wrapped_by(epochs, OTHER)
    assert (before.epoch != begun, after.epoch, await epochs.current()) == (True, begun, begun)
    assert await epochs.unwrap([before, after]) == [KEY, OTHER]


async def test_what_is_said_to_be_of_another_epoch_does_not_unwrap(epochs: Epochs) -> None:
    before = await wrapped_by(epochs)
    begun = await epochs.rotate()
    for epoch in (begun, "99", "0", "", "../1", "one", "1\n"):
        with pytest.raises(Unsealed):
            await epochs.unwrap([replace(before, epoch=epoch)])


async def test_a_destroyed_epoch_is_gone_with_all_before_it_and_later_ones_are_not(epochs: Epochs) -> None:
    first = await wrapped_by(epochs)
    await epochs.rotate()
    second = await wrapped_by(epochs)
    await epochs.rotate()
    third = await wrapped_by(epochs)
    await epochs.destroy(second.epoch)
    for gone in (first, second):
        with pytest.raises(Unsealed):
            await epochs.unwrap([gone])
    assert await epochs.unwrap([third]) == [KEY]
    # Again, and an earlier one afterwards, changes nothing.
    await epochs.destroy(second.epoch)
    await epochs.destroy(first.epoch)
    assert await epochs.unwrap([third]) == [KEY]
    assert (await wrapped_by(epochs)).epoch == third.epoch
    assert await epochs.rotate() not in {first.epoch, second.epoch, third.epoch}


async def test_the_current_epoch_and_one_that_is_not_yet_are_never_destroyed(epochs: Epochs) -> None:
    wrapped = await wrapped_by(epochs)
    for epoch in (wrapped.epoch, "7"):
        with pytest.raises(StillCurrent):
            await epochs.destroy(epoch)
    assert await epochs.unwrap([wrapped]) == [KEY]


# Files.


def kept_files(files: FileEpochs) -> list[Path]:
    return sorted(files._folder.iterdir())


async def test_each_epoch_is_a_file_for_its_owner_alone_and_nothing_else_is_left(files: FileEpochs) -> None:
    await files.rotate()
    assert [path.name for path in kept_files(files)] == ["1", "2"]
    assert {path.stat().st_mode & 0o777 for path in kept_files(files)} == {0o600}
    assert files._folder.stat().st_mode & 0o777 == 0o700


async def test_beginning_again_keeps_the_epochs_that_there_are(files: FileEpochs) -> None:
    wrapped = await wrapped_by(files)
    FileEpochs(files._folder).begin()
    assert await FileEpochs(files._folder).unwrap([wrapped]) == [KEY]


async def test_of_many_who_begin_at_a_time_all_have_the_same_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "epochs"
    at_once = threading.Barrier(8)

    def begin() -> None:
        at_once.wait()
        FileEpochs(folder).begin()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in kept_files(FileEpochs(folder))] == ["1"]


async def test_who_comes_second_with_an_epoch_of_the_same_number_takes_the_first_ones(files: FileEpochs) -> None:
    wrapped = await wrapped_by(files)
    FileEpochs(files._folder)._make(1)
    assert await files.unwrap([wrapped]) == [KEY]
    assert [path.name for path in kept_files(files)] == ["1"]


async def test_a_destroyed_epoch_is_overwritten_before_it_is_removed(files: FileEpochs, tmp_path: Path) -> None:
    (first,) = kept_files(files)
    second_name = tmp_path / "same-blocks"
    second_name.hardlink_to(first)
    content = first.read_bytes()
    await files.rotate()
    await files.destroy("1")
    assert not first.exists()
    assert len(second_name.read_bytes()) == len(content) and second_name.read_bytes() != content


async def test_keys_that_others_can_read_are_not_used(files: FileEpochs) -> None:
    wrapped = await wrapped_by(files)
    (path,) = kept_files(files)
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        await files.unwrap([wrapped])
    path.chmod(0o600)
    files._folder.chmod(0o750)
    with pytest.raises(PermissionError):
        await files.wrap([Bare(KEY, BOUND)])


async def test_where_the_folder_is_gone_nothing_is_said_about_the_keys_and_none_is_made(files: FileEpochs) -> None:
    wrapped = await wrapped_by(files)
    (path,) = kept_files(files)
    path.unlink()
    for folder_too in (False, True):
        if folder_too:
            path.parent.rmdir()
        for asked in (files.unwrap([wrapped]), files.wrap([Bare(KEY, BOUND)]), files.current(), files.rotate()):
            with pytest.raises(EpochsAway):
                await asked
        assert not path.exists()


# The transit engine.


async def test_many_keys_are_asked_for_at_once(engine: TransitEngine, transit: TransitEpochs) -> None:
    wrapped = await transit.wrap([Bare(KEY, bytes([number])) for number in range(50)])
    await transit.unwrap(wrapped)
    assert engine.asked == ["POST /v1/transit/encrypt/avrr-counselling", "POST /v1/transit/decrypt/avrr-counselling"]


async def test_a_trimmed_version_is_really_gone_from_the_engine(engine: TransitEngine, transit: TransitEpochs) -> None:
    await transit.rotate()
    await transit.destroy("1")
    assert set(engine.keys["avrr-counselling"].versions) == {2}


async def test_without_an_answer_that_counts_nothing_is_said_about_the_keys(
    engine: TransitEngine, transit: TransitEpochs
) -> None:
    wrapped = await wrapped_by(transit)
    for instead in (
        (500, b'{"errors":["internal"]}'), (503, b'{"errors":["Vault is sealed"]}'), (403, b'{"errors":["permission denied"]}'),
        (302, b""), (400, b'{"errors":["encryption key not found"]}'), (200, b"<html>"), (200, b'{"data":{"batch_results":[]}}'),
    ):  # fmt: skip
        engine.instead = instead
        for asked in (transit.unwrap([wrapped]), transit.wrap([Bare(KEY, BOUND)]), transit.current(), transit.destroy("1")):
            with pytest.raises(EpochsAway):
                await asked
    engine.instead = None
    assert await transit.unwrap([wrapped]) == [KEY]


async def test_a_missing_key_a_wrong_token_and_no_server_at_all_are_no_answer(
    engine: TransitEngine, transit: TransitEpochs, tmp_path: Path
) -> None:
    wrapped = await wrapped_by(transit)
    (tmp_path / "token").write_text("another")
    with pytest.raises(EpochsAway):
        await transit.unwrap([wrapped])
    (tmp_path / "token").unlink()
    with pytest.raises(EpochsAway):
        await transit.unwrap([wrapped])
    (tmp_path / "token").write_text(engine.token)
    kept = engine.keys.pop("avrr-counselling")
    with pytest.raises(EpochsAway):
        await transit.unwrap([wrapped])
    engine.keys["avrr-counselling"] = kept
    # A token that was renewed in its file counts at once.
    engine.token = "renewed"
    (tmp_path / "token").write_text("renewed")
    assert await transit.unwrap([wrapped]) == [KEY]
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        with pytest.raises(EpochsAway):
            await TransitEpochs(client, "http://127.0.0.1:9/v1/transit", "counselling", tmp_path / "token").current()


async def test_neither_keys_nor_the_token_are_logged(engine: TransitEngine, transit: TransitEpochs) -> None:
    engine.instead = (500, engine.token.encode())
    with structlog.testing.capture_logs() as logged, pytest.raises(EpochsAway) as raised:
        await transit.wrap([Bare(KEY, BOUND)])
    assert logged == [{"event": "epochs_away", "reason": 500, "log_level": "warning"}]
    assert (str(raised.value), raised.value.__cause__) == ("", None)
