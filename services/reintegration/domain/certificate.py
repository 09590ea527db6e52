"""The medical certificate of a request: medical staff say that it is needed and what it may cost, never what somebody has.

Nothing that is for somebody's health is endorsed or approved without one. A new version of the request needs a new one.
"""

from decimal import Decimal
from typing import Annotated

import rfc8785
from pydantic import Field

from services.reintegration.domain.amounts import PositiveMoney, refuse_two_currencies
from services.reintegration.domain.grant_facts import GrantFacts, refuse_another, while_in
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.papers import of_health
from shared.contracts.reintegration import CertificateRefusal, GrantAttested, Sha256
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from shared.money import refuse_unpayable

RequestVersion = Annotated[int, Field(strict=True, ge=1)]


class CertifyMedicalNeed(Command):
    """Certify that what the version you read asks for is needed, and from what to what price it may cost."""

    request_version: RequestVersion
    content_hash: Sha256
    price_from: PositiveMoney
    price_to: PositiveMoney


class RefuseCertificate(Command):
    """Refuse to certify the version that you read, with a reason that says nothing of what the person has."""

    request_version: RequestVersion
    content_hash: Sha256
    reason: CertificateRefusal


def certified(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that refuses what is for somebody's health without a certificate that holds its amount."""
    if not of_health(state):
        return
    certificate = state.certificate
    if certificate is None:
        raise RuleViolation(
            "certificate_missing", "Medical staff have not certified yet that this is needed and what it may cost."
        )
    if certificate.outcome == "refused" or certificate.price_to is None:
        raise RuleViolation("certificate_refused", "Medical staff refused to certify this request. It can be revised or rejected.")
    if state.amount > certificate.price_to:
        raise RuleViolation("beyond_certificate", "This is more than medical staff certified that it may cost.")


def _for_health_alone(state: Grant, facts: GrantFacts, context: Context) -> None:
    if not of_health(state):
        raise RuleViolation("no_certificate_needed", "This grant is not for anybody's health, so there is nothing to certify.")


def _certify(state: Grant, order: CertifyMedicalNeed, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    sums = (state.money, order.price_from, order.price_to)
    refuse_two_currencies(sums)
    refuse_unpayable(sums)
    if order.price_to < order.price_from:
        raise RuleViolation("prices_reversed", "The higher price stands before the lower one.")
    prices = {"price_from": _written(order.price_from.amount), "price_to": _written(order.price_to.amount)}
    return (_attested(state, context, {"outcome": "certified", "reason": None, **prices}),)


def _refuse(state: Grant, order: RefuseCertificate, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    return (
        _attested(state, context, {"outcome": "refused", "reason": order.reason, "price_from": None, "price_to": None}),
    )


def _attested(state: Grant, context: Context, told: dict[str, str | None]) -> GrantAttested:
    return GrantAttested(
        request_version=state.request_version,
        content_hash=state.content_hash,
        attestation=Concealed.of(rfc8785.dumps(told).decode()),
        attested_by=context.actor.person_id,
        attested_at=context.now,
    )


def _written(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


CERTIFICATE_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        CertifyMedicalNeed, "Certify need and price", _certify, while_in("certified", "submitted"), _for_health_alone,
        may_wear("certifier"),
    ),
    changing(
        RefuseCertificate, "Refuse the certificate", _refuse, while_in("certified", "submitted"), _for_health_alone,
        may_wear("certifier"),
    ),
)  # fmt: skip
