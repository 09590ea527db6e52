"""What persons agree to: given and taken back, on which signed paper, and who agrees at this moment."""

from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.counselling import queries, wiring
from services.counselling.domain.consents import EVERY_CATEGORY, Consent, FileConsentPaper
from services.counselling.domain.days import home_day
from services.counselling.domain.person import GiveConsent, WithdrawConsent
from services.counselling.files import PAPERS
from shared.callers import AuthenticatedRoute
from shared.contracts.access import UnmaskingPurpose
from shared.contracts.adults import KnownAdults
from shared.contracts.counselling import Country, DataCategory
from shared.contracts.transfer_consents import TransferConsents
from shared.db import UnitOfWork
from shared.disclosure import MOST_PERSONS
from shared.errors import NotFound
from shared.files.cleaning import cleaned
from shared.files.media import MOST_BYTES
from shared.handling import Repeat, states
from shared.http import Call, Calling, Receipt
from shared.ids import uuid7
from shared.kept_files import KeptFile
from shared.policy import EVERYWHERE
from shared.private import Unsealed
from shared.uploads import FILE_HANDED_OUT, FILE_SENT, handed_out, takes_file

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/persons/{person_id}/give-consent")
async def give_consent(person_id: UUID, body: GiveConsent, call: Calling) -> Receipt:
    """Records a consent, under an id that the caller chose or under a new one."""
    named = body if body.consent_id is not None else body.model_copy(update={"consent_id": uuid7()})
    return await call.order(wiring.PERSON, person_id, named)


@router.post("/persons/{person_id}/withdraw-consent")
async def withdraw_consent(person_id: UUID, body: WithdrawConsent, call: Calling) -> Receipt:
    """Takes a consent back."""
    return await call.order(wiring.PERSON, person_id, body)


@router.put("/persons/{person_id}/consents/{consent_id}/paper", openapi_extra=FILE_SENT)
@takes_file(FileConsentPaper, MOST_BYTES)
async def file_consent_paper(person_id: UUID, consent_id: UUID, call: Calling) -> Receipt:
    """Files the signed paper of a consent, a PDF, JPEG or PNG, the body as it is; the same again is recorded once.

    It is kept without what it tells besides its content: where and when a photo was taken, with what, by whom.
    """
    async with call.file() as sent:
        # Nobody has a file looked at for nothing.
        await _consent(call, person_id, consent_id)
        clean = await cleaned(sent, call.request.headers.get("content-type", ""))
        order = FileConsentPaper(
            consent_id=consent_id, media_type=clean.media_type, size=len(clean.content), sha256=clean.sha256
        )
        # What is sent again is known by what it says and holds.
        said = order.model_dump_json().encode()
        again = Repeat.of(f"paper:{sha256(person_id.bytes + said).hexdigest()}", call.operation, person_id, said)
        return await call.order_privately(
            wiring.PERSON, person_id, order,
            lambda key, _: PAPERS.kept(person_id, consent_id, clean.content, key.files()), repeat=again,
        )  # fmt: skip


@router.get(
    "/persons/{person_id}/consents/{consent_id}/paper", response_class=StreamingResponse, responses=FILE_HANDED_OUT
)
async def read_consent_paper(
    person_id: UUID, consent_id: UUID, purpose: Annotated[UnmaskingPurpose, Query()], call: Calling
) -> StreamingResponse:
    """The signed paper of a consent, to be saved; that it was read, and what for, is on record."""
    paper = (await _consent(call, person_id, consent_id)).paper
    if paper is None:
        raise NotFound

    async def work(unit: UnitOfWork) -> KeptFile:
        key = await call.person_keys.key_of(unit, person_id)
        if key is None:
            raise Unsealed
        return await PAPERS.found(unit, person_id, consent_id, key.files())

    file = await call.ask(work)
    await call.on_record(person_id, (consent_id,), purpose)
    return handed_out(
        PAPERS.read_out(file, paper.sha256, call.ask), paper.media_type, paper.size, f"consent-{str(consent_id)[-6:]}"
    )


async def _consent(call: Call, person_id: UUID, consent_id: UUID) -> Consent:
    """The consent of a person within reach; raises `NotFound`, on record where somebody may have tried to see more."""
    found = await call.ask(
        lambda unit: states(unit, wiring.PERSON, [person_id], call.context.actor, reach=call.reach)
    )
    consents = found[person_id].consents if person_id in found else ()
    for consent in consents:
        if consent.consent_id == consent_id:
            return consent
    if call.reach != EVERYWHERE:
        await call.refused("not_found", person_id)
    raise NotFound


@router.get("/transfer-consents")
async def check_transfer_consents(
    recipient_country: Annotated[Country, Query()],
    person_id: Annotated[list[UUID], Query(min_length=1, max_length=MOST_PERSONS)],
    call: Calling,
    category: Annotated[list[DataCategory], Query(default_factory=list, max_length=len(EVERY_CATEGORY))],
    consent: Literal["transfer", "family_assessment"] = "transfer",
) -> TransferConsents:
    """Who of these persons agrees, now, that the office in this country is told this of them; for our own services.

    Without a category, that it is told anything at all. A family assessment has a consent of its own.
    """
    asked, now, zone = tuple(category), call.context.now, call.runtime.mission_time_zone
    agreed, health = await call.ask(
        lambda unit: queries.agreed_to_transfer(unit, person_id, recipient_country, asked, now, zone)
        if consent == "transfer" else queries.agreed_to(unit, consent, person_id, recipient_country, asked, now, zone)
    )
    return TransferConsents(
        recipient_country=recipient_country, agreed=agreed, categories=asked, health=health, consent=consent
    )


@router.get("/adults")
async def check_adults(
    person_id: Annotated[list[UUID], Query(min_length=1, max_length=MOST_PERSONS)], call: Calling
) -> KnownAdults:
    """Who of these persons is, now, a registered adult who was not erased; for our own services."""
    today = home_day(call.context.now)
    return KnownAdults(adults=await call.ask(lambda unit: queries.adults(unit, person_id, today)))
