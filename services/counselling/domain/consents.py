"""The consents of a person, side by side and with their history: to what, for whom, until when, and on which paper."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from pydantic import Field

from services.counselling.domain.age import age_group
from services.counselling.domain.days import home_day
from shared.contracts.counselling import (
    ConsentGiven,
    ConsentKind,
    ConsentMethod,
    ConsentPaperFiled,
    ConsentPurpose,
    ConsentRecipient,
    ConsentWithdrawn,
    Country,
    DataCategory,
    Language,
    Sha256,
    StaffId,
)
from shared.errors import RuleViolation
from shared.files.media import MOST_BYTES, MediaType
from shared.messages import Command, Context
from shared.moments import Moment, refuse_future
from shared.new_ids import NewId

# More than anybody is asked in years, and few enough to be read together with the person.
MOST_CONSENTS: Final = 100
EVERY_CATEGORY: Final[tuple[DataCategory, ...]] = get_args(DataCategory)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a kind of consent is for: to whom, for what, which data it may cover, and which it covers unless others are named.

    ``abroad`` is who is told where a country is named; a kind with ``needs_country`` is nothing without one.
    """

    recipient: ConsentRecipient
    purpose: ConsentPurpose
    covers: tuple[DataCategory, ...]
    usual: tuple[DataCategory, ...]
    abroad: ConsentRecipient | None = None
    needs_country: bool = False


_ALL_BUT_HEALTH: Final = tuple(category for category in EVERY_CATEGORY if category != "health")
# An embassy is told what a travel document needs and nothing else, whatever somebody would agree to (domain reference 5.3).
TERMS: Final[Mapping[ConsentKind, Terms]] = {
    "data": Terms("iom_country_mission", "assistance", EVERY_CATEGORY, EVERY_CATEGORY),
    "transfer": Terms(
        "receiving_office", "reintegration", EVERY_CATEGORY, _ALL_BUT_HEALTH, abroad="receiving_office", needs_country=True
    ),
    "assistance": Terms("iom_country_mission", "assistance", EVERY_CATEGORY, EVERY_CATEGORY),
    "transfer_to_consulate": Terms(
        "consular_post", "travel_document", ("identity", "contact", "documents", "family"), ("identity", "documents"),
        abroad="consular_post", needs_country=True,
    ),
    "medical": Terms(
        "medical_provider", "medical_care", ("identity", "contact", "travel", "health", "family"), ("identity", "health"),
        abroad="receiving_office",
    ),
    "media": Terms("public", "publicity", ("identity", "plan", "family"), ("identity",)),
    # Of a child, before the office abroad knows of anything else: how the family is that would receive it.
    "family_assessment": Terms(
        "receiving_office", "family_assessment", ("identity", "contact", "family"), ("identity", "contact", "family"),
        abroad="receiving_office", needs_country=True,
    ),
    "survey": Terms("iom_country_mission", "survey", ("identity", "contact", "plan", "grants", "family"), ("contact",)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignedPaper:
    """The paper of a consent as it is kept, sealed: what it is, not what it holds; ``size`` is in bytes."""

    media_type: MediaType
    size: int
    sha256: str
    filed_by: str
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent. It stands until it is taken back, another takes its place, or its last day is over.

    ``given_by`` is the guardian who agreed for a child, None the person; ``expires_on`` is a day of the mission.
    """

    consent_id: UUID | None
    consent: ConsentKind
    text_version: str
    language: Language
    method: ConsentMethod
    given_at: datetime
    recipient: ConsentRecipient
    recipient_country: str | None
    purpose: ConsentPurpose
    categories: tuple[DataCategory, ...]
    given_by: UUID | None = None
    witness_id: str | None = None
    expires_on: date | None = None
    ended: Literal["withdrawn", "replaced"] | None = None
    ended_at: datetime | None = None
    paper: SignedPaper | None = None

    def stands_on(self, day: date) -> bool:
        """Whether it is in force on this day."""
        return self.ended is None and (self.expires_on is None or day <= self.expires_on)

    def same_as(self, other: "Consent") -> bool:
        """Whether the two are to the same thing, so that the later one takes the earlier one's place.

        A person goes home to one country, so a transfer to another office takes the place of the former one.
        """
        if self.consent != other.consent:
            return False
        return self.consent == "transfer" or (self.recipient, self.recipient_country) == (other.recipient, other.recipient_country)


@dataclass(frozen=True, slots=True)
class Guardian:
    """Whoever is said to have agreed for a child: the year of birth, and what the register says they are to the child.

    ``named`` is the child's guardian. A ``parent`` is the principal or spouse of the family whose child it is, and decides
    where nobody is named: ``somebody_named`` is whether anybody is.
    """

    birth_year: int
    named: bool = False
    parent: bool = False
    somebody_named: bool = False

    @property
    def decides(self) -> bool:
        """Whether they are who agrees for the child; the register must say so, for not every adult of a family may."""
        return self.named or (self.parent and not self.somebody_named)

    def may_agree(self, today: date) -> bool:
        """Whether they decide and are no child themselves."""
        return self.decides and age_group(self.birth_year, today) == "adult"


class GiveConsent(Command):
    """Record what the person agreed to, for whom, and until when. Without categories it covers what is usual for its kind.

    A kind that tells somebody abroad names the country. For a child its guardian agrees.
    """

    consent: ConsentKind
    text_version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    language: Language
    method: ConsentMethod
    given_at: Moment
    recipient_country: Country | None = None
    expires_on: date | None = None
    categories: Annotated[tuple[DataCategory, ...], Field(max_length=len(EVERY_CATEGORY))] = ()
    witness_id: StaffId | None = None
    given_by: UUID | None = None
    consent_id: NewId | None = None


class WithdrawConsent(Command):
    """Record that the person takes a consent back: the one that is named, or all of its kind.

    Taking back the data consent also ends every other one.
    """

    consent: ConsentKind
    consent_id: UUID | None = None


class FileConsentPaper(Command):
    """File the signed paper of a consent. What it is, is known from the cleaned file."""

    consent_id: UUID
    media_type: MediaType
    size: Annotated[int, Field(strict=True, ge=1, le=MOST_BYTES)]
    sha256: Sha256


def data_consent_missing() -> RuleViolation:
    """Nothing is done about a person who has not agreed to the processing of their data."""
    return RuleViolation(
        "data_consent_missing",
        "The person has not agreed to the processing of their data. A counsellor must ask for that consent first.",
    )


def no_such_consent() -> RuleViolation:
    """Refuses to take back or to prove what does not stand."""
    return RuleViolation("no_such_consent", "There is no active consent of this kind that could be taken back.")


def in_force(consents: Iterable[Consent], kind: ConsentKind, day: date) -> Consent | None:
    """The consent of this kind that stands on this day, the latest of several."""
    return next((one for one in reversed(tuple(consents)) if one.consent == kind and one.stands_on(day)), None)


def not_ended(consents: Iterable[Consent], kind: ConsentKind) -> Consent | None:
    """The consent of this kind that nobody took back, whether or not its last day is over; the latest of several."""
    return next((one for one in reversed(tuple(consents)) if one.consent == kind and one.ended is None), None)


def given(
    consents: tuple[Consent, ...], command: GiveConsent, birth_year: int, guardian: Guardian | None, context: Context
) -> tuple[ConsentGiven, ...]:
    """The fact that a consent was given; none if this very one is known."""
    event = _stated(command)
    known = next((one for one in consents if command.consent_id is not None and one.consent_id == command.consent_id), None)
    if known is not None:
        if replace(known, ended=None, ended_at=None, paper=None) == _of(event):
            return ()
        raise RuleViolation("consent_differs", "Another consent was recorded under this id. Record this one under its own.")
    refuse_future(command.given_at, context)
    today = home_day(context.now)
    _refuse_wrong_recipient(command)
    _refuse_wrong_witness(command, context)
    _refuse_wrong_guardian(command, birth_year, guardian, today)
    if not set(command.categories) <= set(TERMS[command.consent].covers):
        raise RuleViolation(
            "categories_not_covered", "A consent of this kind cannot cover all of these data. Leave out what it does not cover."
        )
    if command.expires_on is not None and command.expires_on <= max(today, home_day(command.given_at)):
        raise RuleViolation("expiry_not_ahead", "The last day of a consent must lie ahead. Ask the person anew.")
    if command.consent != "data" and in_force(consents, "data", today) is None:
        raise data_consent_missing()
    _refuse_overtaken(consents, _of(event))
    if len(consents) >= MOST_CONSENTS:
        raise RuleViolation("too_many_consents", f"A person has at most {MOST_CONSENTS} consents, those that ended among them.")
    return (event,)


def _stated(command: GiveConsent) -> ConsentGiven:
    terms = TERMS[command.consent]
    abroad = terms.abroad if command.recipient_country is not None else None
    return ConsentGiven(
        consent=command.consent, text_version=command.text_version, language=command.language, method=command.method,
        given_at=command.given_at, recipient=abroad or terms.recipient, recipient_country=command.recipient_country,
        purpose=terms.purpose, consent_id=command.consent_id, given_by=command.given_by, witness_id=command.witness_id,
        categories=_in_order(command.categories or terms.usual), expires_on=command.expires_on,
    )  # fmt: skip


def _in_order(categories: Iterable[DataCategory]) -> tuple[DataCategory, ...]:
    named = set(categories)
    return tuple(category for category in EVERY_CATEGORY if category in named)


def _refuse_wrong_recipient(command: GiveConsent) -> None:
    terms = TERMS[command.consent]
    if terms.needs_country and command.recipient_country is None:
        raise RuleViolation(
            "recipient_country_missing", "Say to which country's office the person agreed to send their data."
        )
    if terms.abroad is None and command.recipient_country is not None:
        raise RuleViolation(
            "recipient_country_unexpected",
            "Nobody abroad is told by a consent of this kind. Leave the country out, or record a transfer consent.",
        )


def _refuse_wrong_witness(command: GiveConsent, context: Context) -> None:
    if command.method == "witnessed_verbal" and command.witness_id is None:
        raise RuleViolation("witness_missing", "A spoken consent needs a witness. Name the colleague who heard it by their id.")
    if command.method != "witnessed_verbal" and command.witness_id is not None:
        raise RuleViolation("witness_unexpected", "Only a spoken consent has a witness. Leave the witness out.")
    if command.witness_id == context.actor.person_id:
        raise RuleViolation("witness_is_recorder", "Who records a spoken consent is not its witness. Name somebody else.")


def _refuse_wrong_guardian(command: GiveConsent, birth_year: int, guardian: Guardian | None, today: date) -> None:
    if command.given_by is None:
        return
    if age_group(birth_year, home_day(command.given_at)) == "adult":
        raise RuleViolation("adult_decides_alone", "Nobody agrees for an adult. Ask the person.")
    if guardian is None or not guardian.may_agree(today):
        raise RuleViolation(
            "not_a_guardian",
            "For a child agrees who is named as its guardian; where nobody is, the principal or spouse of its family. "
            "Register the family or name the guardian first.",
        )


def _refuse_overtaken(consents: Iterable[Consent], offered: Consent) -> None:
    # A paper that surfaces late must not bring back to life what the person has taken back since.
    if any(offered.given_at < decided_at for decided_at in _decided_since(consents, offered)):
        raise RuleViolation(
            "later_decision_recorded",
            "The person has decided on this consent again since then, and the later decision stands. "
            "Ask the person anew if it is no longer right.",
        )


def _decided_since(consents: Iterable[Consent], offered: Consent) -> Iterator[datetime]:
    for one in consents:
        if one.same_as(offered):
            yield one.given_at
        # Whoever takes the data consent back has thereby decided on every other one as well.
        if one.ended == "withdrawn" and one.ended_at is not None and (one.same_as(offered) or one.consent == "data"):
            yield one.ended_at


def withdrawn(consents: Iterable[Consent], command: WithdrawConsent, context: Context) -> tuple[ConsentWithdrawn, ...]:
    """The facts that consents end: those that are meant, and before the data consent every other one."""
    standing = [one for one in consents if one.ended is None]
    meant = [
        one for one in standing
        if one.consent == command.consent and command.consent_id in (None, one.consent_id)
    ]  # fmt: skip
    if not meant:
        raise no_such_consent()
    ending = [one for one in standing if one.consent != "data"] + meant if command.consent == "data" else meant
    # One without an id is told by its kind, which tells of all others of that kind as well.
    nameless = {one.consent for one in ending if one.consent_id is None}
    told = dict.fromkeys((one.consent, None if one.consent in nameless else one.consent_id) for one in ending)
    return tuple(
        ConsentWithdrawn(consent=kind, consent_id=consent_id, withdrawn_at=context.now) for kind, consent_id in told
    )


def paper_filed(
    consents: Iterable[Consent], command: FileConsentPaper, context: Context
) -> tuple[ConsentPaperFiled, ...]:
    """The fact that a consent's paper was filed; none if it was before. Of a consent there is one paper."""
    known = next((one for one in consents if one.consent_id == command.consent_id), None)
    if known is None:
        raise RuleViolation("consent_unknown", "No consent of this person is recorded under this id. Record the consent first.")
    if known.paper is not None:
        if (known.paper.media_type, known.paper.size, known.paper.sha256) == (command.media_type, command.size, command.sha256):
            return ()
        raise RuleViolation(
            "paper_differs", "Another paper was filed for this consent. If it is the wrong one, record the consent once more."
        )
    return (
        ConsentPaperFiled(
            consent_id=command.consent_id, media_type=command.media_type, size=command.size, sha256=command.sha256,
            filed_by=context.actor.person_id, filed_at=context.now,
        ),
    )  # fmt: skip


def with_given(consents: Iterable[Consent], event: ConsentGiven) -> tuple[Consent, ...]:
    """The consents after one more was given, which takes the place of one to the same thing."""
    new = _of(event)
    return (
        *(
            replace(one, ended="replaced", ended_at=new.given_at) if one.ended is None and one.same_as(new) else one
            for one in consents
        ),
        new,
    )


def with_withdrawn(consents: Iterable[Consent], event: ConsentWithdrawn) -> tuple[Consent, ...]:
    """The consents after one, or every one of a kind, was taken back."""
    return tuple(
        replace(one, ended="withdrawn", ended_at=event.withdrawn_at)
        if one.ended is None and one.consent == event.consent and event.consent_id in (None, one.consent_id)
        else one
        for one in consents
    )


def with_paper(consents: Iterable[Consent], event: ConsentPaperFiled) -> tuple[Consent, ...]:
    """The consents after the paper of one was filed."""
    paper = SignedPaper(event.media_type, event.size, event.sha256, event.filed_by, event.filed_at)
    return tuple(replace(one, paper=paper) if one.consent_id == event.consent_id else one for one in consents)


def _of(event: ConsentGiven) -> Consent:
    return Consent(
        consent_id=event.consent_id, consent=event.consent, text_version=event.text_version, language=event.language,
        method=event.method, given_at=event.given_at, recipient=event.recipient, recipient_country=event.recipient_country,
        purpose=event.purpose, categories=event.categories or TERMS[event.consent].usual, given_by=event.given_by,
        witness_id=event.witness_id, expires_on=event.expires_on,
    )  # fmt: skip
