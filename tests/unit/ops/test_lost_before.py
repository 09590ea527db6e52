"""What earlier restores lost stays known by what their lists kept: each entry is told once, and one that was changed since is not."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from ops.after_restore.earlier import kept_in
from ops.after_restore.listing import Losses, Lost, keep, sentences
from ops.settings import OpsSettings
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


async def test_what_a_list_kept_is_read_again_and_an_entry_that_was_changed_is_left_out(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path)
    listed, besides = (lost(5), lost(6)), (lost(5, PAID_1),)
    file = await keep(settings, losses(*listed, also=besides))
    kept = kept_in(file.parent, "reintegration")
    assert kept.lost == {one.idx: one.leaf for one in listed}
    assert list(kept.also) == [(one.idx, one.leaf) for one in besides]
    leaves = file.with_suffix(".ndjson")
    leaves.write_bytes(leaves.read_bytes().replace(b'"place": 5', b'"place": 4'))
    assert kept_in(file.parent, "reintegration").lost == {6: listed[1].leaf}
    assert kept_in(file.parent, "returns") == kept_in(tmp_path / "nowhere", "reintegration") == type(kept)({}, ())


def test_every_entry_is_told_once_in_the_order_in_which_it_was_recorded_and_counted_for_people() -> None:
    early, late = lost(8), lost(5)
    early = replace(early, envelope=early.envelope.model_copy(update={"time": NOON.replace(year=NOON.year - 1)}))
    found = losses(late, also=(early,))
    assert found.entries == (early, late)
    assert losses(late, also=(late,)).entries == (late,)
    assert any("1 more entries" in line for line in sentences(found))
    assert not any("more entries" in line for line in sentences(losses(late)))
    assert found.sha256 != losses(late).sha256
