"""How many of what the year holds: the published figures of 2023, and what they leave open filled believably."""

from collections.abc import Mapping
from typing import Final, Literal

YEAR: Final = 2023

SESSIONS: Final = 1658
VIRTUAL_SESSIONS: Final = 24
GROUP_SESSIONS: Final = 856
OUTREACH_CONTACTS: Final = 11_700
OUTREACH_LOCATIONS: Final = 130
OUTREACH_VISITS: Final = 520
LEGAL_SESSIONS: Final = 120
SESSIONS_NOT_HELD: Final = 40
SESSIONS_SCHEDULED_AND_HELD: Final = 20
PERSONS_WITHOUT_INTENTION: Final = 150

# Persons who returned, by country: five were published, the other 49 persons went to 18 more countries.
RETURNED: Final[Mapping[str, int]] = {
    "TR": 16, "MA": 9, "PK": 8, "DZ": 7, "IN": 7,
    "EG": 6, "TN": 5, "BD": 4, "NP": 4, "IQ": 4, "IR": 3, "CU": 3, "LK": 3, "GH": 3, "NG": 2, "CM": 2, "SN": 2,
    "GM": 2, "ET": 2, "GE": 1, "KZ": 1, "CN": 1, "VN": 1,
}  # fmt: skip
WOMEN_ALONE: Final = 3

Outcome = Literal["returned", "withdrawn", "lapsed", "ineligible", "open", "not_departed"]

# Persons who expressed an intention and did not return in the year.
OTHERS: Final[Mapping[Outcome, int]] = {
    "withdrawn": 71, "not_departed": 1, "lapsed": 50, "ineligible": 12, "open": 60,
}  # fmt: skip
FAMILIES_OF_OTHERS: Final[Mapping[Outcome, int]] = {"withdrawn": 1, "open": 3}
SECOND_ATTEMPTS: Final = 5
MISSED_FLIGHTS: Final = 4

GRANTS: Final[Mapping[Literal["business", "housing", "medical"], int]] = {"business": 32, "housing": 30, "medical": 5}
WITH_BUSINESS_AND_HOUSING: Final = 15
REQUESTS_RETURNED: Final = 6
REQUESTS_REJECTED: Final = 3
REQUESTS_CANCELLED: Final = 2
# Of the last payments of grants from funds in euro: what the bank does not take, and what it sends back.
PAYMENTS_FAILED: Final = 1
PAYMENTS_CAME_BACK: Final = 1
# Of those paid without any of that, how many were used otherwise, and some of the money is asked back and comes.
RECOVERIES: Final = 1

LANGUAGES: Final[Mapping[str, str]] = {
    "TR": "tur", "MA": "ara", "PK": "urd", "DZ": "ara", "IN": "hin", "EG": "ara", "TN": "ara", "BD": "ben",
    "NP": "nep", "IQ": "ara", "IR": "pes", "CU": "spa", "LK": "tam", "GH": "eng", "NG": "eng", "CM": "fra",
    "SN": "fra", "GM": "eng", "ET": "amh", "GE": "kat", "KZ": "rus", "CN": "zho", "VN": "vie", "AF": "prs",
    "SY": "ara", "SO": "som",
}  # fmt: skip
