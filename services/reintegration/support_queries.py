"""What reintegration's tables answer about caps: whose grants count together, what they come to, and by which policy."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from pydantic import BaseModel

from services.reintegration.domain.caps import EXAMPLE_CAPS, Caps, Support
from services.reintegration.domain.conversion import RatesInForce
from shared.money import Money

# What holds for cases whose programme is not known or has published nothing: the policy under this code.
OF_OTHER_CASES: Final = "default"

# The family as counselling knows it now; where it knows none, whoever is in the case. With an offset neither becomes a
# read of all beforehand.
TOGETHER = (
    "coalesce((SELECT array_agg(DISTINCT m.id) FROM families f CROSS JOIN LATERAL unnest(f.member_ids) m(id) "
    " WHERE f.member_ids @> ARRAY[cast(:person_id AS uuid)]), "
    "(SELECT person_ids FROM cases WHERE id = :case_id), '{}') || cast(:person_id AS uuid)"
)
# In the order of the ids, so that decisions on two members of a family never wait for each other in a circle.
TURNS_OF_THE_FAMILY = (
    f"SELECT revision FROM person_caps WHERE person_id = ANY ({TOGETHER}) ORDER BY person_id FOR UPDATE"
)
SEEN_REVISION = f"(SELECT sum(revision) FROM person_caps WHERE person_id = ANY ({TOGETHER}))"
# A request stays under the version that it was submitted under; before that the newest counts. Grants in countries that
# the reader does not see count as well, so a function asks for them.
SUPPORT = (
    "(SELECT json_build_object('caps', (SELECT to_json(v) FROM (SELECT currency, cap_per_person::text, cap_per_family::text, "
    " one_approver_up_to::text, two_approvers_up_to::text FROM policy_versions WHERE programme IN (coalesce("
    f" cast(:policy_programme AS text), (SELECT programme FROM cases WHERE id = :case_id)), '{OF_OTHER_CASES}') "
    " AND policy_version = coalesce(cast(:policy_version AS integer), policy_version) "
    f" ORDER BY programme = '{OF_OTHER_CASES}', policy_version DESC LIMIT 1) v), "
    "'person', support_in(ARRAY[cast(:person_id AS uuid)], :grant_id, cast(:now AS timestamptz)), "
    f"'family', support_in({TOGETHER}, :grant_id, cast(:now AS timestamptz)))) AS support"
)


class _Caps(BaseModel):
    currency: str
    cap_per_person: Decimal
    cap_per_family: Decimal
    one_approver_up_to: Decimal
    two_approvers_up_to: Decimal


class _Sum(BaseModel):
    amount: Decimal
    currency: str


class _Found(BaseModel):
    caps: _Caps | None
    person: tuple[_Sum, ...]
    family: tuple[_Sum, ...]


def support_of(found: str) -> Support:
    """What `SUPPORT` answered, without rates yet; the example's caps where there is no policy."""
    told = _Found.model_validate_json(found)
    caps = EXAMPLE_CAPS if told.caps is None else Caps(**dict(told.caps))
    return Support(caps, _sums(told.person), _sums(told.family), RatesInForce({}))


def _sums(found: Sequence[_Sum]) -> tuple[Money, ...]:
    return tuple(Money(amount=one.amount, currency=one.currency) for one in found)
