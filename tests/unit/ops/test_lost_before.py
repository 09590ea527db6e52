"""What earlier restores lost stays known by what their lists kept: each entry is told once, and one that was changed since is not."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ops.after_restore.earlier import _lists, kept_in
from ops.after_restore.listing import Losses, Lost, keep, sentences
from ops.settings import CannotStart, OpsSettings
from shared.set_back import Mark
from tests.given import NOON
from tests.unit.ops.test_lost_payments_told import RELEASED, entry
from tests.unit.reintegration.examples import PAID_1

MARK = Mark(id=UUID(int=7), kept=5, known=9, finder="operator", accepted=False)


def lost(place: int, event: object = RELEASED) -> Lost:
    found = entry(place, event)  # type: ignore[arg-type]
    return replace(found, leaf=json.dumps({"place": place, "kind": type(event).__name__}).encode())


def losses(*entries: Lost, also: tuple[Lost, ...] = ()) -> Losses:
    return Losses("reintegration", MARK, "00", NOON, 9, entries, (), (), {}, also=also)


async def test_what_a_list_kept_is_read_again_by_hash_whatever_stands_beside_it(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path)
    listed, besides = (lost(5), lost(6)), (lost(5, PAID_1),)
    file = await keep(settings, losses(*listed, also=besides))
    told = file.read_bytes()
    # A longer list was about to be written: its entries are there, and the list of them is that of before.
    await keep(settings, losses(lost(4), *listed, lost(7), also=besides))
    file.write_bytes(told)
    kept = kept_in(file.parent, "reintegration")
    assert kept.lost == {one.idx: one.leaf for one in listed}
    assert list(kept.also) == [(one.idx, one.leaf) for one in besides]
    assert kept_in(file.parent, "returns") == kept_in(tmp_path / "nowhere", "reintegration") == type(kept)({}, ())


async def test_a_file_beside_the_lists_is_none_of_them(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path)
    file = await keep(settings, losses(lost(5)))
    # As whoever has no other place to write to puts it there, with `--out`.
    (file.parent.parent / "lost.json").write_text("[]")
    assert _lists(settings, "reintegration") == {str(MARK.id): [(5, lost(5).leaf)]}


@pytest.mark.parametrize("broken", ["changed", "torn", "gone", "list-torn", "list-of-nothing"])
async def test_what_a_broken_list_lost_is_not_forgotten_in_silence(tmp_path: Path, broken: str) -> None:
    file = await keep(OpsSettings(data=tmp_path), losses(lost(5), lost(6)))
    leaves = file.with_suffix(".ndjson")
    match broken:
        case "changed":
            leaves.write_bytes(leaves.read_bytes().replace(b'"place": 5', b'"place": 4'))
        case "torn":
            leaves.write_bytes(leaves.read_bytes()[:-10])
        case "gone":
            leaves.unlink()
        case "list-torn":
            file.write_bytes(file.read_bytes()[:-10])
        case _:
            file.write_bytes(b"[]")
    with pytest.raises(CannotStart) as refused:
        kept_in(file.parent, "reintegration")
    assert refused.value.code == "kept_list_broken"
    assert str(file.parent) in refused.value.sentence


def test_every_entry_is_told_once_in_the_order_in_which_it_was_recorded_and_counted_for_people() -> None:
    early, late = lost(8), lost(5)
    early = replace(early, envelope=early.envelope.model_copy(update={"time": NOON.replace(year=NOON.year - 1)}))
    found = losses(late, also=(early,))
    assert found.entries == (early, late)
    assert losses(late, also=(late,)).entries == (late,)
    assert any("1 of these were lost at the same places" in line for line in sentences(found))
    assert not any("of these were lost" in line for line in sentences(losses(late)))
    assert found.sha256 != losses(late).sha256


def test_two_who_accept_read_the_kinds_of_all_that_was_lost_and_whom_it_erases_once_more() -> None:
    erased = lost(8)
    erased = replace(erased, envelope=erased.envelope.model_copy(update={"type": "avrr.counselling.person.erasure_approved.v1"}))
    said = sentences(losses(lost(5), lost(6), also=(lost(7, PAID_1), erased)))
    assert [line.split() for line in said if "avrr." in line] == [
        ["1", "avrr.counselling.person.erasure_approved.v1"], ["1", PAID_1.kind], ["2", RELEASED.kind],
    ]  # fmt: skip
    assert [line for line in said if "erase persons again" in line] == ["  of these 1 erase persons again once two accept this, which nobody can take back"]
    assert not any("erase persons again" in line for line in sentences(losses(erased)))
