"""A report is made from an export that holds and from nothing else, and says from which checkpoint. All of it is invented."""

import json
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.log_figures.report import FromExport, report_from_export
from ops.report import LINES
from ops.settings import PROJECT, CannotStart
from shared.contracts.counselling import (
    CoveredPerson,
    GroupSessionHeld,
    IntentionExpressed,
    OutreachHeld,
    SessionHeld,
    SessionNotHeld,
    SessionScheduled,
)
from shared.contracts.families import FamilySplit
from shared.contracts.noted_cases import CaseNoted
from shared.contracts.plans import OwnPlanRecorded, PlanLine
from shared.contracts.reintegration import (
    GrantApproved,
    GrantCancelled,
    GrantEndorsed,
    GrantRequested,
    Tranche,
)
from shared.contracts.returns import (
    CaseOpened,
    CaseWithdrawn,
    ClosingRequested,
    PersonCounselled,
    PersonErased,
)
from shared.contracts.support import SupportCancelled, SupportGiven, SupportPlanned
from shared.ledger import conceal, enclose
from shared.messages import Concealed, Context, Event, Origin
from shared.money import Money
from tests.given import NOON, staff
from tests.unit.ops.audit.exports import HOUSE, House

OURS = House.of("ours")
ACTOR = staff("mirela", "counsellor")
# By the mission's calendar, an hour before UTC's in winter.
NEW_YEAR = datetime(2022, 12, 31, 23, tzinfo=UTC)
NEXT_YEAR = datetime(2023, 12, 31, 23, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)


def id_of(number: int) -> UUID:
    return UUID(int=0x018A5C00_0000_7000_8000_000000000000 + number)


class Logs:
    """Logs while they are written, each with the versions of its subjects."""

    def __init__(self) -> None:
        self.entries: dict[str, list[bytes]] = {"counselling": [], "reintegration": [], "returns": []}
        self._versions: dict[tuple[str, UUID], int] = {}

    def add(self, number: int, *events: Event, at: datetime = NOON) -> None:
        for event in events:
            service = event.kind.split(".")[1]
            subject = id_of(number)
            version = self._versions[service, subject] = self._versions.get((service, subject), 0) + 1
            _, leaf = enclose(service, subject, subject, version, conceal(event)[0], Context(ACTOR, at), Origin("invented"))
            self.entries[service].append(leaf)


def session(at: datetime, site: str = "trc_lipa", kind: str = "individual", modality: str = "in_person") -> SessionHeld:
    return SessionHeld.model_validate({
        "session_type": kind, "modality": modality, "site": site, "language": "tur", "interpreter": "none", "person_ids": [],
        "counsellor_id": "staff:mirela", "held_at": at, "topics": [], "outcome": "information_only",
    })  # fmt: skip


def person(number: int, sex: str = "male", age_group: str = "adult") -> CoveredPerson:
    return CoveredPerson.model_validate(
        {"person_id": id_of(number), "sex": sex, "age_group": age_group, "country_of_origin": "TR"}
    )


def intention(at: datetime, *persons: CoveredPerson) -> IntentionExpressed:
    return IntentionExpressed(
        session_id=id_of(1), principal_id=persons[0].person_id, persons=persons, destination_country="TR", counsellor_id="staff:mirela",
        expressed_at=at,
    )  # fmt: skip


def opened(*persons: CoveredPerson) -> CaseOpened:
    return CaseOpened(
        case_ref="INVENTED", principal_id=persons[0].person_id, persons=persons, destination_country="TR", counsellor_id="staff:mirela",
        expressed_at=NOON,
    )  # fmt: skip


def requested(number: int) -> GrantRequested:
    money = Money.model_validate({"amount": "100.00", "currency": "EUR"})
    return GrantRequested(
        case_id=id_of(40), person_id=id_of(number), plan_id=id_of(41), plan_line_id=id_of(42), category=Concealed.of("medical"),
        modality="service", money=money, tranches=(Tranche(number=1, money=money),), requested_by="staff:a", counsellor_id="staff:mirela",
        destination_country="TR", requested_at=NOON,
    )  # fmt: skip


def approved(at: datetime) -> GrantApproved:
    money = Money.model_validate({"amount": "100.00", "currency": "EUR"})
    return GrantApproved(case_id=id_of(40), fund_id=id_of(43), money=money, approved_by="staff:b", approved_at=at, request_version=1)


def written(logs: Logs, folder: Path) -> Path:
    """The export of these logs, and beside it the keys that an auditor was given."""
    OURS.export(folder / "export", logs.entries)
    (folder / "trusted").write_text(str(OURS.policy))
    return folder / "export"


def figures_of(logs: Logs, folder: Path, year: int = 2023) -> dict[str, int]:
    found = report_from_export(written(logs, folder), year, folder / "trusted")
    return {figure.key: figure.value for figure in found.figures}


def some_logs() -> Logs:
    logs = Logs()
    logs.add(1, session(NOON), at=NOON)
    logs.add(2, opened(person(3)))
    logs.add(4, requested(3))
    return logs


def test_what_was_held_within_the_missions_year_counts_and_nothing_a_moment_outside_it(tmp_path: Path) -> None:
    logs = Logs()
    for number, at in enumerate((NEW_YEAR - A_MOMENT, NEW_YEAR, NEXT_YEAR - A_MOMENT, NEXT_YEAR)):
        logs.add(10 + number, session(at, modality="virtual_country_of_origin"))
        logs.add(20 + number, OutreachHeld(location=f"place_{number % 2}", municipality="invented", language="tur", held_at=at, contacts=10**number))
        logs.add(30 + number, intention(at, person(50), person(60 + number)))
    logs.add(14, session(NOON, kind="legal_information"))
    logs.add(15, SessionScheduled.model_validate({**session(NOON).model_dump(include={*SessionScheduled.model_fields}), "scheduled_for": NOON}))
    logs.add(15, SessionNotHeld(reason="no_show"))
    logs.add(16, GroupSessionHeld(site="remote", language="tur", held_at=NOON, topics=(), participants=7, female=3, male=4, children=0))
    assert figures_of(logs, tmp_path).items() >= {
        "sessions": 2, "virtual_sessions": 2, "sessions_at_trc_lipa": 2, "group_sessions": 1, "group_participants": 7,
        "group_sessions_at_remote": 1, "outreach_contacts": 110, "outreach_locations": 2, "intentions": 3, "intention_records": 2,
    }.items()  # fmt: skip


def test_a_cancelled_grant_is_none_and_what_it_was_for_is_said_to_be_missing(tmp_path: Path) -> None:
    logs = Logs()
    for number, at in enumerate((NEW_YEAR - A_MOMENT, NEW_YEAR, NOON, NEXT_YEAR)):
        logs.add(10 + number, requested(20), GrantEndorsed(endorsed_by="staff:c", request_version=1), approved(at))
    money = Money.model_validate({"amount": "100.00", "currency": "EUR"})
    logs.add(12, GrantCancelled(case_id=id_of(40), reason="not_needed", released=money))
    line = PlanLine(line_id=id_of(42), person_id=id_of(20), category=Concealed.of("medical"), planned=money)
    logs.add(41, OwnPlanRecorded(case_id=id_of(40), destination_country="TR", person_ids=(id_of(20),), lines=(line,), recorded_at=NOON))
    logs.add(40, CaseNoted(person_ids=(id_of(20),), destination_country="TR", counsellor_id="staff:mirela"))
    assert figures_of(logs, tmp_path).items() >= {
        "grants": 1, "persons_with_grant": 1, "grants_requested": 4, "grants_rejected": 0, "own_plans_recorded": 1, "plans_agreed": 0,
    }.items()  # fmt: skip
    found = report_from_export(tmp_path / "export", 2023, tmp_path / "trusted")
    assert {row.key for row in found.rows}.isdisjoint(found.untold)
    assert {line.key for line in LINES if line.key.startswith(("grants_", "supports_"))} <= found.untold.keys()
    assert any(sentence.startswith("Not in the table: Business; ") and "What a grant is for" in sentence for sentence in found.sentences())


def test_cases_and_support_are_counted_by_their_log_and_go_on_being_after_an_erasure(tmp_path: Path) -> None:
    logs = Logs()
    logs.add(12, opened(person(23)), at=NEW_YEAR - A_MOMENT)
    logs.add(10, opened(person(20), person(21, "female")))
    money = Money.model_validate({"amount": "5.00", "currency": "EUR"})
    for number, day in enumerate(("2022-12-31", "2023-01-01")):
        planned = SupportPlanned(support_id=id_of(30 + number), person_id=id_of(20), need=Concealed.of("food"), needed_from=NOON.date())
        given = SupportGiven.model_validate({
            "support_id": id_of(30 + number), "person_id": id_of(20), "provider": Concealed.of("a"), "budget_line": Concealed.of("b"),
            "outcome": Concealed.of("c"), "cost": money, "given_from": day, "given_until": day,
        })  # fmt: skip
        logs.add(10, planned, given)
    # What was recorded as given and is taken back was not.
    taken_back = id_of(32)
    logs.add(
        10, planned.model_copy(update={"support_id": taken_back}), given.model_copy(update={"support_id": taken_back}),
        SupportCancelled(support_id=taken_back, person_id=id_of(20), reason=Concealed.of("a")),
    )  # fmt: skip
    logs.add(12, CaseWithdrawn(reason=Concealed.of("health"), person_ids=(id_of(23),)))
    logs.add(20, PersonCounselled(session_id=id_of(1), held_at=NOON))
    logs.add(11, opened(person(22)), at=NEXT_YEAR)
    expected = {
        "begun_cases": 1, "open_cases": 1, "withdrawn_cases": 1, "withdrawn_persons": 1, "supports": 1, "persons_supported": 1,
        "returns": 0, "departures": 0,
    }  # fmt: skip
    before = figures_of(logs, tmp_path / "before")
    assert before.items() >= expected.items()
    logs.add(20, PersonErased(erased_at=NOON, deleted=()), at=NEXT_YEAR)
    assert figures_of(logs, tmp_path / "after") == before


def refused(folder: Path, trusted: Path | None = None) -> CannotStart:
    with pytest.raises(CannotStart) as found:
        report_from_export(folder, 2023, trusted)
    return found.value


def test_no_report_is_made_from_an_export_that_somebody_touched(tmp_path: Path) -> None:
    export = written(some_logs(), tmp_path)
    bundle = export / "returns/tile/entries/000.p/1"
    bundle.write_bytes(bundle.read_bytes().replace(b'"TR"', b'"PK"'))
    found = refused(export, tmp_path / "trusted")
    assert found.code == "export_unsound"
    assert "returns/tile/entries/000.p/1: it is not the file that was exported." in found.sentence


def test_no_report_is_made_with_keys_of_somebody_else(tmp_path: Path) -> None:
    export = written(some_logs(), tmp_path)
    (tmp_path / "trusted").write_text(str(House.of("theirs").policy))
    assert refused(export, tmp_path / "trusted").code == "export_unsound"
    # Of the export's own keys it says that they are.
    found = report_from_export(export, 2023)
    assert not found.trusted
    assert found.sentences()[-1].startswith("The keys are the export's own")


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    logs = some_logs()
    del logs.entries["reintegration"]
    found = refused(written(logs, tmp_path), tmp_path / "trusted")
    assert (found.code, "no log of reintegration" in found.sentence) == ("export_partial", True)


def test_no_report_is_made_of_a_year_after_which_no_witness_saw_each_log(tmp_path: Path) -> None:
    over = int(NEXT_YEAR.timestamp())
    (tmp_path / "trusted").write_text(str(OURS.policy))
    for seen in (over - 1, over):
        OURS.export(tmp_path / str(seen), some_logs().entries, seen={"returns": seen, "counselling": over, "reintegration": over})
    found = refused(tmp_path / str(over - 1), tmp_path / "trusted")
    assert (found.code, "the log of returns" in found.sentence) == ("export_too_early", True)
    assert report_from_export(tmp_path / str(over), 2023, tmp_path / "trusted").year == 2023


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((ClosingRequested(reason="completed"),), "does not follow from those before it"),
        ((FamilySplit(new_case_id=id_of(8), principal_id=id_of(3), person_ids=()),), "does not follow from those before it"),
    ],
    ids=["closing", "split"],
)
def test_an_entry_that_cannot_follow_is_named_by_its_place(tmp_path: Path, events: Sequence[Event], said: str) -> None:
    logs = some_logs()
    logs.add(9, *events)
    found = refused(written(logs, tmp_path), tmp_path / "trusted")
    assert found.code == "export_unknown"
    assert found.sentence.startswith("Entry 1 of returns") and said in found.sentence


def test_an_entry_of_a_kind_that_is_not_known_is_named_and_not_stepped_past(tmp_path: Path) -> None:
    logs = some_logs()
    later = json.loads(logs.entries["returns"][0])
    later |= {"id": str(id_of(99)), "type": "avrr.returns.case.flown_to_the_moon.v1", "aggregateversion": 2}
    logs.entries["returns"].append(json.dumps(later, sort_keys=True, separators=(",", ":")).encode())
    found = refused(written(logs, tmp_path), tmp_path / "trusted")
    assert found.sentence == "Entry 1 of returns is of a kind that this avrr does not know: avrr.returns.case.flown_to_the_moon.v1."


def test_the_command_of_the_page_names_the_checkpoints_and_writes_them_into_the_file(tmp_path: Path) -> None:
    export = written(some_logs(), tmp_path)
    (command,) = re.findall(r"^\./avrr (report .*--from-export .*)$", (PROJECT / "docs/audit.md").read_text(), re.MULTILINE)
    for named, path in (("export", export), ("keys", tmp_path / "trusted"), ("report.json", tmp_path / "r.json")):
        command = command.replace(f" {named}", f" {path}")
    asked = command.split()
    ended = CliRunner().invoke(app, asked)
    # The invented year is not the one that was published.
    assert ended.exit_code == 1
    told = json.loads((tmp_path / "r.json").read_text())
    lines = (export / "returns/checkpoint").read_text().splitlines()
    assert f"Made from the checkpoint of {HOUSE}/returns: 1 entries, root {lines[2]}." in ended.output
    assert {"origin": lines[0], "size": int(lines[1]), "root": lines[2]} in told["checkpoints"]
    assert len(told["checkpoints"]) == 3
    assert "grants_medical" in told["not_in_the_log"] and "grants_medical" not in {row["key"] for row in told["rows"]}
    shutil.rmtree(export / "counselling")
    assert isinstance(CliRunner().invoke(app, asked).exception, CannotStart)


def test_nothing_of_a_report_from_an_export_is_a_figure_that_a_service_does_not_have(tmp_path: Path) -> None:
    found: FromExport = report_from_export(written(some_logs(), tmp_path), 2023, tmp_path / "trusted")
    keys = [figure.key for figure in found.figures]
    assert len(keys) == len(set(keys)) and not set(keys) & found.untold.keys()
