"""The document that tells a person what is held about them: its words, its values, and that every letter is printed."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from pypdf import PdfReader

from services.counselling.domain.identity import Identity
from services.portal.client import Answer
from services.portal.told.catalogue import (
    LANGUAGES,
    ONLY_IN_THE_FILE,
    Words,
    catalogue,
    direction_of,
    language_for,
)
from services.portal.told.collecting import Collected, NotTold, collect
from services.portal.told.document import as_pdf, written
from services.reintegration.domain.payee_details import PayeeDetails
from shared.aggregate import IN_CLEAR
from shared.contracts import BY_SERVICE
from shared.held import KERNEL_UNTOLD
from shared.policy import Policy
from tests.unit.shared.test_held_tables import NAMES, names_in, tables_of, wiring_of

ZONE = ZoneInfo("Europe/Sarajevo")
AT = datetime(2023, 3, 1, 9, tzinfo=UTC)
ME = UUID(int=7, version=4)
CASE = str(UUID(int=8, version=4))


def collected(**identity: Any) -> Collected:
    told = {
        "records": {
            "persons": [{"id": str(ME), "sex": "female", "birth_year": 1990, "data_consent": True, "site": "trc_borici"}],
            "identities": [{"number": 1, "recorded_by": "staff", "languages": ["tur", "prs"], **identity}],
            "families": [{"principal_id": str(ME), "members": [{"person_id": "another_person"}]}],
        },
        "history": [
            {"recorded_at": "2023-02-01T08:00:00Z", "kind": "avrr.returns.case.withdrawn.v1", "roles": ["counsellor"],
             "organisation": "iom_ba", "said": {"reason": "health"}},
        ],
        "readers": [
            {"at": "2023-02-02T08:00:00Z", "roles": ["receiving_office"], "organisation": "iom_tr", "country": "TR",
             "operation": "read_person", "outcome": "not_permitted", "purpose": None},
        ],
    }  # fmt: skip
    return Collected(ME, AT, CASE, {"counselling": told})


def told_tables() -> Iterator[tuple[str, Any]]:
    for service in NAMES:
        wiring = wiring_of(service)
        for name, table in tables_of(wiring).items():
            if name not in KERNEL_UNTOLD and name not in wiring.holdings.untold:
                yield service, table


def names_told() -> set[str]:
    columns = {
        column.name
        for service, table in told_tables()
        for column in table.columns
        if f"{table.name}.{column.name}" not in wiring_of(service).holdings.untold and column.name != IN_CLEAR
    }
    nested = {
        name
        for service in NAMES
        for aggregate in wiring_of(service).aggregates
        if aggregate.table.name not in wiring_of(service).holdings.untold
        for column, hint in get_type_hints(aggregate.state).items()
        if f"{aggregate.table.name}.{column}" not in wiring_of(service).holdings.untold
        for name in (column, *names_in(hint))
    }
    # What is sealed has names of its own within.
    return columns | nested | set(names_in(Identity)) | set(names_in(PayeeDetails))


def test_every_text_is_there_in_every_language() -> None:
    for kind, texts in catalogue().items():
        for key, found in texts.items():
            assert set(found) == set(LANGUAGES), f"{kind}.{key}"
            assert all(text.strip() for text in found.values()), f"{kind}.{key}"


def test_everything_that_is_told_has_a_name() -> None:
    words = catalogue()
    assert {f"{service}.{table.name}" for service, table in told_tables()} - words["sections"].keys() == set()
    assert names_told() - words["fields"].keys() - ONLY_IN_THE_FILE == set()
    events = {".".join(event.kind.split(".")[2:4]) for service in NAMES for event in BY_SERVICE[service]}
    nobodys = {"group_session.held", "outreach.held", "fund.opened", "fund.asked", "fund.change_asked", "fund.changed", "fund.closing_asked", "fund.closed", "fund.change_dropped", "period.closed", "period.reopening_asked", "period.reopened", "period.reopening_dropped", "rate.recorded", "rate.corrected", "rate.voided", "authority.given", "authority.deputy_named", "authority.ended",
                "funding_policy.published", *(f"{one}.{fact}" for one in ("staff_list", "sanctions_list") for fact in ("uploaded", "confirmed", "dropped")),
                "own_account.registered", "own_account.confirmed", "own_account.closed", "bank_file.imported", "bank_file.confirmed", "bank_file.dropped", "bank_file.revocation_asked", "bank_file.kept", "payee.details_deleted", *(f"lost_payments.{fact}" for fact in ("listed", "settled", "found", "clearing_asked", "cleared")), *(f"bank_line.{fact}" for fact in ("explained", "explanation_asked", "explanation_dropped", "match_asked", "match_dropped", "matched", "undo_asked", "match_kept", "match_undone", "apart_asked", "apart_dropped", "told_apart")), *(f"payment_batch.{fact}" for fact in ("made", "payments_put_in", "approved", "handed_out", "file_taken_again", "drop_asked", "kept", "dropped")), "instrument.published", "survey_round.planned", "survey_round.ended", "spot_check_draw.drawn", "spot_check.recorded", *(f"voucher_sample.{fact}" for fact in ("asked", "drawn", "offered", "released", "withdrawn"))}
    assert events - words["events"].keys() - nobodys == set()


def test_whoever_may_look_and_at_what_has_a_name() -> None:
    words = catalogue()
    policies: list[Policy] = [wiring_of(service).policy for service in (*NAMES, "audit")]
    assert {row.role.value for policy in policies for row in policy.rows} - words["roles"].keys() == set()
    # Of these no person is the subject.
    others = {"read_events", "read_event", "export_log", "export_turns", "export_grants", "export_funds", "export_rates", "export_exceptions", "export_undecidable_grants", "export_donor_view", "export_open_items", "read_batch_file",
              "read_proof", "read_links", "export_archive"}
    looks = {operation for policy in policies for operation in policy.on_record | policy.searches}
    assert looks - words["operations"].keys() - others == set()


def _codes(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from (str(code) for code in get_args(kind))
    for argument in get_args(kind) if get_origin(kind) is not Literal else ():
        yield from _codes(argument)


def test_every_code_in_a_state_is_a_word_in_every_language() -> None:
    codes: set[str] = set()
    for service in NAMES:
        for aggregate in wiring_of(service).aggregates:
            untold, table = wiring_of(service).holdings.untold, aggregate.table.name
            if table in untold:
                continue
            told = (hint for name, hint in get_type_hints(aggregate.state).items() if f"{table}.{name}" not in untold)
            for part in (aggregate.state, *(part for hint in told for part in parts_of(hint))):
                for name, hint in get_type_hints(part).items():
                    if name not in ONLY_IN_THE_FILE and f"{table}.{name}" not in untold:
                        codes |= set(_codes(hint))
    assert {code for code in codes if "/" not in code} - catalogue()["codes"].keys() == set()


def parts_of(kind: Any) -> Iterator[type]:
    if get_origin(kind) is not None:
        for argument in get_args(kind):
            yield from parts_of(argument)
    elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from parts_of(hint)


@pytest.mark.parametrize(
    ("spoken", "language"),
    [(("prs", "eng"), "fas"), (("tur", "hrv"), "bos"), (("tur",), "eng"), ((), "eng"), (("urd",), "urd"), (("pus", "fas"), "pus")],
)  # fmt: skip
def test_the_language_is_the_first_of_the_persons_that_there_is(spoken: tuple[str, ...], language: str) -> None:
    assert language_for(spoken) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_printed_in_every_language_for_readers_of_screens_too(language: str) -> None:
    found = as_pdf(collected(family_name="Yilmaz", given_names_own_script="عائشة پروین"), language, ZONE)
    reader = PdfReader(BytesIO(found))
    assert reader.metadata is not None
    assert reader.metadata.title == catalogue()["sentences"]["title"][language]
    root: Any = reader.trailer["/Root"]
    assert str(root["/Lang"]).partition("-")[0] == Words(language, ZONE, str(ME)).locale
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in found or b"pdfuaid" in root["/Metadata"].get_object().get_data()


def test_the_same_is_printed_alike() -> None:
    assert as_pdf(collected(), "fas", ZONE) == as_pdf(collected(), "fas", ZONE)


def test_letters_of_which_there_is_no_picture_do_not_keep_the_rest_from_being_printed() -> None:
    found = as_pdf(collected(family_name_own_script="রহমান 李 ሰላም", family_name="Rahman"), "eng", ZONE)
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(found)).pages)
    assert "Rahman" in text
    assert "Letters that cannot be printed" in text
    whole = as_pdf(collected(family_name="Rahman"), "eng", ZONE)
    assert "cannot be printed" not in PdfReader(BytesIO(whole)).pages[0].extract_text()


def test_whoever_was_erased_reads_that_first() -> None:
    kept = collected()
    erased = {**kept.held["counselling"], "records": {"persons": [{"erased_at": "2023-02-28T09:00:00Z"}]}}
    assert written(Collected(ME, AT, CASE, {"counselling": erased}), "eng", ZONE)["paragraphs"][0].startswith("You were erased")
    assert not written(kept, "eng", ZONE)["paragraphs"][0].startswith("You were erased")


def test_what_somebody_wrote_is_never_read_as_markup() -> None:
    hostile = '#read("/etc/passwd") *bold* $x$ = heading <label> @ref \\ "quoted"'
    found = as_pdf(collected(other_names=[hostile]), "eng", ZONE)
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(found)).pages)
    assert '#read("/etc/passwd") *bold* $x$' in text


def test_values_are_told_in_words() -> None:
    words = Words("fra", ZONE, str(ME))
    assert [line.text for line in words.lines("site", "trc_lipa")] == ["Lipa"]
    assert [line.text for line in words.lines("destination_country", "TR")] == ["Turquie"]
    assert [line.text for line in words.lines("languages", ["tur", "ara"])] == ["turc, arabe"]
    assert [line.text for line in words.lines("registered_at", "2023-07-01T22:30:00+00:00")] == ["2023-07-02 00:30"]
    assert [line.text for line in words.lines("planned", {"amount": "1250.00", "currency": "EUR"})] == ["1250.00 EUR"]
    assert [line.text for line in words.lines("principal_id", str(ME))] == ["vous"]
    assert [line.text for line in words.lines("data_consent", False)] == ["non"]
    assert words.lines("outcome", None) == []


def test_a_name_that_is_also_a_code_stays_a_name() -> None:
    words = Words("fra", ZONE, str(ME))
    assert [line.text for line in words.lines("family_name", "other")] == ["other"]
    assert [line.text for line in words.lines("skills", ["driver", "other"])] == ["driver, other"]


def test_dates_and_numbers_keep_their_order_among_words_from_right_to_left() -> None:
    (line,) = Words("ara", ZONE, str(ME)).lines("contacts", [{"kind": "phone", "contact": "+387 61 000 111"}])
    assert "\u200e+387 61 000 111\u200e" in line.text
    assert line.direction == "rtl"


@pytest.mark.parametrize(
    ("text", "direction"), [("2023-01-02", "ltr"), ("عائشة", "rtl"), ("Ayşe", "ltr"), ("+387 61", "ltr"), ("…پروین A", "rtl")]
)
def test_a_text_reads_in_the_direction_of_its_first_letter(text: str, direction: str) -> None:
    assert direction_of(text) == direction


def test_why_a_return_was_withdrawn_and_who_was_refused_stand_in_the_document() -> None:
    history, readers = written(collected(), "eng", ZONE)["tables"]
    assert history["rows"] == [["2023-02-01 09:00", "The return was withdrawn (health)", "counsellor"]]
    assert readers["rows"] == [
        ["2023-02-02 09:00", "your registration (refused)", "office in the country of return", "iom_tr", ""]
    ]


def test_countries_and_languages_have_names_in_every_language() -> None:
    for language in LANGUAGES:
        locale = Locale.parse(Words(language, ZONE, str(ME)).locale)
        assert locale.territories["TR"] != "TR"


async def test_a_part_is_never_told_as_the_whole() -> None:
    answers = {
        "counselling": Answer(200, {"records": {}, "history": [], "readers": []}, None, {}),
        "returns": Answer(404, {"code": "not_found"}, None, {}),
        "reintegration": Answer(429, {"code": "too_many_requests"}, None, {}),
        "audit": Answer(200, {"records": {}, "history": [], "readers": [{"operation": "read_held"}]}, None, {}),
    }

    async def ask(service: str, path: str, correlation: str) -> Answer:
        assert (path, correlation) == (f"/v1/persons/{ME}/held", CASE)
        return answers[service]

    with pytest.raises(NotTold) as refused:
        await collect(ask, ME, AT, CASE)
    assert refused.value.service == "reintegration"
    answers["reintegration"] = answers["returns"]
    found = await collect(ask, ME, AT, CASE)
    assert set(found.held) == {"counselling", "audit"}
    assert not found.nothing
    # That somebody was looked for is no reason to say that there is such a person.
    answers["counselling"] = answers["returns"]
    assert (await collect(ask, ME, AT, CASE)).nothing
