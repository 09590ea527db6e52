"""Codes of the services in words for people: countries, languages, statuses, names of fields, what is wrong with one."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale

from services.portal.translation import translated
from shared.countries import ALPHA_2

# What is not listed reads well enough with blanks for underscores.
WORDS: Final[Mapping[str, str]] = {
    "trc_usivak": "Ušivak", "trc_blazuj": "Blažuj", "trc_lipa": "Lipa", "trc_borici": "Borići",
    "iom_office": "IOM office", "four_eyes": "another person must do this", "not_permitted": "not your part",
    "in_kind_vendor": "in kind, by a vendor", "in_kind_goods": "in kind, goods", "cash_instalment": "cash instalment",
    "application/pdf": "PDF", "image/jpeg": "JPEG", "image/png": "PNG",
    "yes": "Yes", "no": "No", "laissez_passer": "laissez-passer", "trc": "reception centre",
    "cleared_to_board": "cleared to board", "not_coming": "not coming", "ready_to_travel": "ready to travel",
    "none": "none", "legal_information": "legal information", "virtual_country_of_origin": "online, with the office abroad",
    "virtual_other": "online, otherwise", "intention_expressed": "wishes to return", "no_return_wish": "does not wish to return",
    "information_only": "information only", "stopped_by_migrant": "the person ended it", "not_stated": "not stated",
    "approval_missing": "Approval by a colleague", "data_consent_missing": "Consent to data processing",
    "individual_session_missing": "Heard in an individual session", "voluntariness_not_assessed": "Screening, voluntary",
    "declaration_missing": "Signed declaration", "own_plan_missing": "Own reintegration plan",
    "child_without_guardian": "Adult of the case beside each child", "booking_missing": "Booking for exactly those who travel",
    "booking_in_the_past": "Booked departure lies ahead", "document_missing": "Travel document",
    "document_expires_before_arrival": "Travel document valid on arrival",
    "voluntariness_not_fresh": "Last confirmation within 24 hours before departure",
    "help_at_airport": "help at the airport", "handover_in_person": "handover in person",
    "onward_transport": "onward transport", "first_nights": "a place for the first nights",
    "known_by": "how you know it", "re_migrated": "migrated again", "data": "data processing",
    "transfer": "transfer to the office abroad", "completed": "completed", "in progress": "in progress",
    "not started": "not started", "cannot start yet": "cannot start yet", "not needed": "not needed", "intention": "wish to return",
    "lapsed": "ended, contact lost", "messaging": "messages", "misspelt": "it was spelt wrongly",
    "misunderstood": "it was misunderstood", "document_seen": "a document was seen", "changed_since": "it has changed since",
    "person_asked": "the person asked for it",
}  # fmt: skip

# The languages that are spoken in the centres and by staff, the most frequent first (ISO 639-3).
LANGUAGES: Final[Mapping[str, str]] = {
    "eng": "English", "ara": "Arabic", "prs": "Dari", "pes": "Farsi", "pus": "Pashto", "urd": "Urdu", "fra": "French",
    "tur": "Turkish", "ben": "Bengali", "ckb": "Central Kurdish (Sorani)", "kmr": "Northern Kurdish (Kurmanji)",
    "hin": "Hindi", "pan": "Punjabi", "mal": "Malayalam", "nep": "Nepali", "rus": "Russian", "som": "Somali",
    "spa": "Spanish", "bos": "Bosnian", "hrv": "Croatian", "srp": "Serbian",
}  # fmt: skip

FAULTS: Final[Mapping[str, str]] = {
    "missing": "Answer this.",
    "unreadable": "This cannot be read. Look at the example.",
    "not_offered": "Choose one of what is offered.",
    "out_of_range": "This number is too small or too large.",
    "no_file": "Choose the file.",
}

# Refusals of the portal's own, and those of a service whose sentence says too little to whoever stands before a page.
REFUSALS: Final[Mapping[str, str]] = {
    "file_too_large": (
        "The file is larger than 10 MB. Photograph it with a lower resolution, or send the pages that matter as a PDF."
    ),
    "file_type_differs": (
        "The name of the file ends like that of another kind of file than it is. Save it anew as PDF, JPEG or PNG, or "
        "take a new photo, and choose that."
    ),
    "too_many_uploads": "Several files are being sent at this moment. Choose the file again and send it in a minute.",
    "upload_under_way": "Another file of yours is still being sent. Choose this one again when that one is there.",
    "form_unreadable": "What came is not whole. Choose the file again and send it once more.",
}

LABELS: Final[Mapping[str, str]] = {
    "held_at": "when it was held", "scheduled_for": "when it will be held", "person_id": "person",
    "person_ids": "persons", "given_at": "when it was given", "screened_at": "when the screening was held",
    "signed_at": "when it was signed", "signed_by": "signed by", "departs_at": "departure", "arrives_at": "arrival",
    "departed_at": "when they departed", "arrived_at": "when the person arrived", "confirmed_at": "when it was confirmed",
    "tried_at": "when it was tried", "fund_id": "fund", "plan_line_id": "line of the plan", "money": "amount",
    "number": "number of the tranche", "text_version": "version of the consent text", "known_by": "how you know it",
    "destination_country": "destination", "recipient_country": "country of the office", "session_id": "session",
    "principal_id": "principal", "paid_on": "day of payment", "session_type": "kind of session",
    "evidence_kind": "kind of paper", "tranche": "what it is for", "file": "file",
    "planned": "planned amount", "line_id": "line", "birth_year_within": "years before and after",
    "alternatives_explained": "ways to stay, asylum among them, were explained",
    "legal_consequences_explained": "what leaving means in law, such as an entry ban, was explained",
    "voluntary": "the wish is the person's own, free and informed", "municipality": "municipality (a code)",
    "location": "place (a code, never an address)", "agreed_on": "day of the agreement",
    "family_name": "family name, in Latin letters", "given_names": "given names, in Latin letters",
    "family_name_own_script": "family name, in the person's own script",
    "given_names_own_script": "given names, in the person's own script",
    "birth_date": "date of birth, as exact as it is known: 1961, 1961-05 or 1961-05-02",
    "stateless": "the person has no nationality", "contacts": "ways to reach the person", "contact": "number or address",
    "safe": "it can be used without danger to anybody", "languages": "languages that the person prefers",
    "valid_until": "valid until", "flight": "flight of the last leg, such as TK1026", "needs": "what is needed on arrival",
}  # fmt: skip


@cache
def countries() -> Mapping[str, str]:
    """Every assigned country's name by its code (ISO 3166-1 alpha-2), in the order of the names."""
    names = Locale("en").territories
    return dict(sorted(((code, str(names.get(code, code))) for code in ALPHA_2), key=lambda known: known[1]))


def word(code: object) -> str:
    """A code as people read it."""
    text = str(code)
    if text in WORDS:
        return translated(WORDS[text])
    return countries().get(text) or text.replace("_", " ")


def label(key: str) -> str:
    """The name of a field as people read it, with its first letter large."""
    text = translated(LABELS[key]) if key in LABELS else key.replace("_", " ")
    return text[:1].upper() + text[1:]


def event(kind: str) -> str:
    """What an event says, out of its type: ``avrr.returns.case.booking_confirmed.v1`` is "Booking confirmed"."""
    name = kind.split(".")[-2] if kind.count(".") > 1 else kind
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def language(code: str) -> str:
    """A language's name; the code (ISO 639-3) where it is none of those that are chosen from."""
    return translated(LANGUAGES[code]) if code in LANGUAGES else code
