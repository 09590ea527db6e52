"""The words of the document in the languages of those who ask, and what a value is called in each."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale

Direction = Literal["ltr", "rtl"]
_WORDS: Final = Path(__file__).parent / "words.toml"
# The product's languages (ISO 639-3) as documents and Babel name them.
_LOCALES: Final[Mapping[str, str]] = {
    "eng": "en", "bos": "bs", "fra": "fr", "ara": "ar", "fas": "fa", "pus": "ps", "urd": "ur",
}  # fmt: skip
LANGUAGES: Final = tuple(_LOCALES)
# Whoever speaks one of these reads the other.
_READ_BY: Final[Mapping[str, str]] = {"prs": "fas", "pes": "fas", "hrv": "bos", "srp": "bos"}
_RTL: Final = frozenset({"ara", "fas", "pus", "urd"})
_SPOKEN: Final[Mapping[str, str]] = {
    **_LOCALES, "prs": "fa_AF", "pes": "fa", "hrv": "hr", "srp": "sr", "tur": "tr", "ben": "bn", "hin": "hi", "pan": "pa",
    "mal": "ml", "nep": "ne", "rus": "ru", "som": "so", "spa": "es",
}  # fmt: skip

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]*")
_COUNTRIES: Final = frozenset(
    {
        "country", "country_of_origin", "destination_country", "receiving_country", "recipient_country", "transfer_country", "transit_country",
        "issuing_country", "bank_country", "nationalities", "nationality",
    }
)  # fmt: skip
# What somebody said or wrote is never taken for a code.
_AS_STATED: Final = frozenset(
    {
        "family_name", "given_names", "family_name_own_script", "given_names_own_script", "other_names", "other_name",
        "contact", "document_number", "number", "occupation", "skills", "skill", "case_ref", "flight", "reference",
        "programme", "vendor", "holder", "iban", "account_number", "bank_code", "bank_name", "bank_town", "town", "call_back_contact", "vendor_code", "text_version", "data_consent_version", "transfer_consent_version", "provider", "budget_line",
    }
)  # fmt: skip
# Ids, counters and what repeats something else are for the file, where nothing is left out.
ONLY_IN_THE_FILE: Final = frozenset(
    {
        "id", "version", "person_id", "person_ids", "identity_number", "identity_fields", "host_status_number", "stated", "session_id", "case_id",
        "payee_id", "survey_id", "round_id", "answers_no", "scores", "account_no", "stated_no", "confirmed_no", "shares", "screened_no", "screened_at", "clearing_asked_by", "cleared_by", "list_id", "list_name", "entry_id", "how", "handlers", "clearers", "plan_id", "plan_line_id", "line_id", "own_plan_id", "agreed_plan_id", "evidence_id", "fund_id", "grant_id",
        "consent_id", "heard_alone_in", "support_id", "report_id", "sha256", "budget_hash", "nonce", "waiting_since", "holds_until", "arrival_due_at", "expected_at", "overdue_at", "clearance_lapsed_at", "status_before_closing", "status_before_hold", "active_person_ids", "deciding_ids", "withdrawn_ids", "guardian_id", "case_guardian_id", "case_guardian_of", "stands", "no_more_of", "guarded_by", "parent_ids", "correction_since", "split_from", "split_into", "joined_into", "regrouping_with", "at", "birth_date_precision",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One line of a value, and the direction in which it reads."""

    text: str
    direction: Direction


@cache
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The texts by kind, by key and by language."""
    read = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    languages = read.pop("languages")
    return {
        kind: {key: dict(zip(languages, texts, strict=True)) for key, texts in keys.items()} for kind, keys in read.items()
    }


def language_for(spoken: Iterable[str]) -> str:
    """The product's language for somebody who speaks these, the first that there is; English without any."""
    found = (_READ_BY.get(language, language) for language in spoken)
    return next((language for language in found if language in _LOCALES), "eng")


def direction_of(text: str) -> Direction:
    """The direction of a text by its first letter; digits alone read from left to right."""
    for letter in text:
        if "\u0590" <= letter <= "\u08ff" or "\ufb1d" <= letter <= "\ufefc":
            return "rtl"
        if letter.isalpha():
            return "ltr"
    return "ltr"


class Words:
    """The words of one of `LANGUAGES` for one person; times are the mission's."""

    def __init__(self, language: str, zone: ZoneInfo, person_id: str) -> None:
        self.language = language
        self._person_id = person_id
        self.locale = _LOCALES[language]
        self.direction: Direction = "rtl" if language in _RTL else "ltr"
        self._zone = zone
        self._names = Locale.parse(self.locale)

    def say(self, key: str) -> str:
        """A sentence or a heading of the document's own."""
        return catalogue()["sentences"][key][self.language]

    def call(self, kind: str, key: str) -> str:
        """What a section, field, event, operation, purpose, role or code is called; else its own name with blanks."""
        texts = catalogue()[kind].get(key)
        found = texts[self.language] if texts is not None else key.rpartition(".")[2].replace("_", " ")
        return found[:1].upper() + found[1:] if kind in ("fields", "events") else found

    def event(self, kind: str) -> str:
        """What happened, out of an event's type."""
        return self.call("events", ".".join(kind.split(".")[2:4]))

    def roles(self, roles: Sequence[str]) -> str:
        """Who it was, by role alone."""
        return self.joined(dict.fromkeys(self.call("roles", role) for role in roles))

    def joined(self, texts: Iterable[str]) -> str:
        """Several texts as one."""
        return ("\u060c " if self.direction == "rtl" else ", ").join(map(self._apart, texts))

    def _apart(self, text: str) -> str:
        # Among words that read from right to left the parts of a date or of a number would change places.
        return f"\u200e{text}\u200e" if self.direction == "rtl" and direction_of(text) == "ltr" else text

    def moment(self, text: str) -> str:
        """A moment by the mission's clocks, in digits that everybody reads."""
        return f"{datetime.fromisoformat(text).astimezone(self._zone):%Y-%m-%d %H:%M}"

    def lines(self, name: str, value: Any) -> list[Value]:
        """A field's value as lines to be read; none where there is nothing to say."""
        texts = self._texts(name, value)
        return [Value(text, direction_of(text)) for text in texts if text]

    def _texts(self, name: str, value: Any) -> list[str]:
        if value is None:
            return []
        if isinstance(value, list):
            if all(not isinstance(item, dict | list) for item in value):
                return [self.joined(text for item in value for text in self._texts(name, item))]
            return [text for item in value for text in self._texts(name, item)]
        if isinstance(value, dict):
            return [self._part(value)]
        return [self._plain(name, value)]

    def _part(self, value: Mapping[str, Any]) -> str:
        if set(value) == {"amount", "currency"}:
            return self._apart(f"{value['amount']} {value['currency']}")
        if set(value) in ({"person_id"}, {"grant_id"}):
            return self._plain("", next(iter(value.values())))
        told = {name: self.joined(self._texts(name, item)) for name, item in value.items() if name not in ONLY_IN_THE_FILE}
        return " · ".join(f"{self.call('fields', name)}: {text}" for name, text in told.items() if text)

    def _plain(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        text = str(value)
        if text == self._person_id:
            return self.call("codes", "you")
        if name in _AS_STATED:
            return text
        if name in _COUNTRIES:
            return str(self._names.territories.get(text, text))
        if name in ("language", "languages"):
            return self._language(text)
        if _MOMENT.match(text):
            return self.moment(text)
        return self.call("codes", text) if _CODE.fullmatch(text) else text

    def _language(self, code: str) -> str:
        found = _SPOKEN.get(code, code)
        return str(self._names.languages.get(found) or self._names.languages.get(found.partition("_")[0], code))
