"""The auditor's search of the archive: what can be asked, what cannot be read, and what is said of an entry that was lost."""

import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest

from services.audit.routes.events import search_archive
from services.portal.pages.archive_entries import LABELS, lost_in, tails_in
from services.portal.pages.archive_searches import EXCEPTIONS
from services.portal.pages.archive_selection import BACKWARDS, WRONG, ArchiveSelection, refused
from services.portal.pages.log_selection import ARCHIVED_KINDS, Selection
from services.portal.words import _environment

AN_ID = "01900000-0000-7000-8000-000000000001"
A_BREAK = {"lost_log": "returns.1", "held": 3, "accepted_at": "2026-11-27T08:05:00Z"}
A_TAIL = {"tail_log": "returns.t1", "held": 1, "noted_at": "2026-11-27T09:05:00Z"}
LOGS = [
    {"log": "counselling", "breaks": [], "tails": []},
    {"log": "returns", "breaks": [A_BREAK, {"lost_log": "returns.2", "held": 0, "accepted_at": "2026-11-28T08:05:00Z"}], "tails": [A_TAIL]},
]


def entry(log: str, **changed: Any) -> dict[str, Any]:
    return {
        "log": log, "lost": "." in log, "position": 7, "id": AN_ID, "kind": "avrr.returns.case.opened.v1", "aggregate": "case",
        "subject": AN_ID, "case_id": AN_ID, "recorded_at": "2026-11-27T08:00:00Z", "actor_id": "staff:anna",
        "actor_role": "coordinator,auditor", "reason": None, **changed,
    }  # fmt: skip


def page(chosen: ArchiveSelection, *items: dict[str, Any], faults: dict[str, str] | None = None) -> str:
    found = None if faults else {"items": list(items), "next": None}
    text = _environment().get_template("archive.html").render(
        request=SimpleNamespace(url=SimpleNamespace(path="/archive")), direction="ltr", asset=str, session=None, flash=None,
        moment=str, who_is=str, short=lambda id: str(id)[-6:], found=found, chosen=chosen, faults=faults or {}, lost=lost_in(LOGS),
        tails=tails_in(LOGS), kinds=ARCHIVED_KINDS, labels=LABELS, longest=500, chosen_by=str,
    )  # fmt: skip
    return re.sub(r"\s+", " ", text)


def test_everything_that_the_archive_is_asked_for_can_be_asked_on_the_page() -> None:
    asked = set(inspect.signature(search_archive).parameters) - {"call", "after", "limit"}
    known = {"service": "log", "since": "from", "until": "to"}
    assert {known.get(name, name) for name in asked} == LABELS.keys() == WRONG.keys()
    shown = page(ArchiveSelection())
    assert set(re.findall(r'<(?:input|select) id="[^"]+" name="([^"]+)"', shown)) == LABELS.keys()


def test_every_filter_that_cannot_be_read_is_named_at_once() -> None:
    good = ArchiveSelection(
        log="returns.1", kind="avrr.audit.access.export_taken.v1", subject=AN_ID, case=AN_ID, about=AN_ID, first="2023-05-02", last="2023-05-02"
    )
    assert ArchiveSelection().faults() == good.faults() == {}
    bad = ArchiveSelection(
        log="portal", kind="avrr.x.y.z.v1", subject="1", case="2", about="3", first="2.5.2023", last="2023-13-01"
    )
    assert bad.faults() == {name: WRONG[name] for name in ("log", "kind", "subject", "case", "about", "from", "to")}
    assert ArchiveSelection(first="2023-05-02", last="2023-05-01").faults() == {"to": BACKWARDS}


def test_what_the_archive_itself_could_not_read_is_named_as_on_the_page() -> None:
    assert refused(["query.actor", "query.service", "query.since"]) == {name: WRONG[name] for name in ("actor", "log", "from")}
    assert refused(["query.after", "query.limit"]) == {}


def test_a_selection_leads_to_the_services_where_they_can_be_asked_for_it_and_back() -> None:
    both = ArchiveSelection(log="returns", about=AN_ID, actor="staff:anna", first="2023-05-02", last="2023-05-03")
    assert both.of_the_services() == f"/log?service=returns&id={AN_ID}&actor=staff%3Aanna&from=2023-05-02&to=2023-05-03"
    same = Selection("returns", "", AN_ID, "staff:anna", "2023-05-02", "2023-05-03")
    assert f"{same.of_the_archive()}&" == f"/archive?{both.address()}"
    assert (ArchiveSelection().of_the_services(), Selection().of_the_archive()) == ("/log", "/archive")
    for only in (
        ArchiveSelection(log="returns.1"), ArchiveSelection(log="audit"), ArchiveSelection(case=AN_ID), ArchiveSelection(subject=AN_ID),
        ArchiveSelection(reason="no_show"), ArchiveSelection(kind="avrr.audit.finding.accepted.v1"),
    ):  # fmt: skip
        assert only.of_the_services() is None, only


def test_every_log_has_the_kinds_of_access_and_of_restores() -> None:
    assert list(ARCHIVED_KINDS) == ["counselling", "returns", "reintegration", "audit"]
    for log, kinds in ARCHIVED_KINDS.items():
        assert {f"avrr.{log}.access.refused.v1", f"avrr.{log}.restore.accepted.v1"} <= {*kinds}
        assert all(kind.startswith(f"avrr.{log}.") for kind in kinds)


def test_what_restores_took_is_offered_where_the_archive_kept_any() -> None:
    assert lost_in(LOGS) == {"returns.1": {**A_BREAK, "log": "returns"}}
    shown = page(ArchiveSelection(log="returns.1"))
    assert '<option value="returns.1" selected>returns (lost in a restore), 2026-11-27T08:05:00Z: 3 entries</option>' in shown
    assert 'value="returns.2"' not in shown


def test_an_entry_says_whose_log_it_was_lost_from_and_only_what_is_proven() -> None:
    there, lost, unproven = (page(ArchiveSelection(), entry(log)) for log in ("returns", "returns.1", "counselling.1"))
    accepted, nothing = "lost in a restore that two persons accepted:", "nothing proves that two persons accepted it"
    assert f'{accepted} <a href="/integrity#returns">2026-11-27T08:05:00Z</a>' in lost
    assert [accepted in text for text in (there, lost, unproven)] == [False, True, False]
    assert [nothing in text for text in (there, lost, unproven)] == [False, False, True]
    assert f'<a href="/archive/events/{AN_ID}?log=returns.1&amp;position=7">Opened</a>' in lost
    assert "<td>returns (lost in a restore) 7</td>" in lost


def test_what_nobody_signed_is_offered_and_marked_as_that_and_as_nothing_else() -> None:
    assert tails_in(LOGS) == {"returns.t1": {**A_TAIL, "log": "returns"}}
    assert ArchiveSelection(log="returns.t1").faults() == {} and ArchiveSelection(log="returns.t1").of_the_services() is None
    shown = page(ArchiveSelection(log="returns.t1"), entry("returns.t1"))
    assert '<option value="returns.t1" selected>returns (never signed), 2026-11-27T09:05:00Z: 1 entry</option>' in shown
    unproven = page(ArchiveSelection(), entry("counselling.t1"))
    assert 'never signed, and set apart: <a href="/integrity#returns">2026-11-27T09:05:00Z</a>' in shown
    assert "Set apart as never signed, and nothing proves that." in unproven and "Set apart as never signed" not in shown
    assert "two persons accepted it" not in shown + unproven and "<td>counselling (never signed) 7</td>" in unproven


def test_an_entry_leads_to_its_proof_its_chain_and_whatever_has_the_same_reason() -> None:
    shown = page(ArchiveSelection(case=AN_ID), entry("returns", reason="no_show"))
    for link in (f"/archive/events/{AN_ID}?log=returns&amp;position=7", f"/archive/cases/{AN_ID}", f"/archive?subject={AN_ID}", "/archive?reason=no_show"):
        assert f'href="{link}"' in shown, link
    assert "staff:anna" in shown and "coordinator, auditor" in shown


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_stands_beside_its_field_and_nothing_that_was_typed_is_lost(name: str) -> None:
    fields = {"from": "first", "to": "last"}
    typed = ArchiveSelection(**{fields.get(one, one): f"typed-{one}" for one in WRONG})
    shown = page(typed, faults={name: WRONG[name]})
    assert f'id="{name}-fault">{WRONG[name]}</span>' in shown
    assert re.search(rf'id="{name}" name="{name}"[^>]* aria-invalid="true" aria-describedby="{name}-fault"', shown)
    assert shown.count("aria-invalid") == 1 and f'<a href="#{name}">' in shown
    assert 'id="found"' not in shown and "1 filter cannot be read" in shown
    for one in WRONG.keys() - {"kind"}:
        assert f'value="typed-{one}"' in shown, one


def test_an_exception_says_in_which_log_each_of_its_events_stands_and_leads_to_that_one() -> None:
    one = {"kind": "same_day", "entry": entry("returns.t1"), "beside": [entry("counselling", position=3)], "number": None}
    rules = {"working_days": ["mon"], "working_from": "07:00", "working_until": "18:00", "time_zone": "Europe/Sarajevo", "many_reads": 40}
    shown = _environment().get_template("archive_exceptions.html").render(
        request=SimpleNamespace(url=SimpleNamespace(path="/archive/exceptions")), direction="ltr", asset=str, session=None, flash=None,
        moment=str, who_is=str, mission_day=str, short=lambda id: str(id)[-6:], found={"items": [one], "next": None, "waiting": 0, "rules": rules},
        chosen=Selection(), means=EXCEPTIONS, more={"kind": ""}, asked="", fault=None,
    )  # fmt: skip
    for log, position, words in (("returns.t1", 7, "returns (never signed) 7"), ("counselling", 3, "counselling 3")):
        assert f'<a href="/archive/events/{AN_ID}?log={log}&amp;position={position}">' in shown and words in shown
