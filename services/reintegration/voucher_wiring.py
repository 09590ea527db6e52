"""Sealed vouchers put together: core, table, facts and what row security asks; the system's seed is made here, by nobody."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from services.reintegration import voucher_queries, voucher_tables
from services.reintegration.domain import vouchers
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.handling import states
from shared.messages import Command, Context
from shared.policy import EVERYWHERE
from shared.settings import MISSION

Samples = Aggregate[vouchers.VoucherSample, vouchers.VoucherFacts]


def samples_of(grants: Aggregate[Grant, GrantFacts]) -> Samples:
    """Samples of these grants, with who had a part in them."""

    async def facts(
        unit: UnitOfWork, _: UUID, state: vouchers.VoucherSample | None, command: Command | None, context: Context
    ) -> vouchers.VoucherFacts:
        if isinstance(command, vouchers.AskForVouchers):
            # From the system's randomness, after the auditor's own was given: they know neither it nor what it draws.
            seed, days = secrets.token_hex(32), (command.from_day, command.to_day)
            return await voucher_queries.behind_asking(unit, days, context.actor.person_id, seed, MISSION.mission_time_zone)
        if state is not None and isinstance(command, vouchers.DrawVouchers):
            return await voucher_queries.behind_a_draw(unit, state)
        if state is not None and isinstance(command, vouchers.OfferVouchers | vouchers.ReleaseVouchers | vouchers.WithdrawVouchers | None):
            ids = [one.grant_id for one in state.drawn]
            found = await states(unit, grants, ids, context.actor, reach=EVERYWHERE)
            return vouchers.VoucherFacts(took_part=_had_a_part(tuple(found.values())) | await voucher_queries.took_part_in_paying(unit, ids))
        return vouchers.VoucherFacts()

    return Aggregate(
        service="reintegration", name="voucher_sample", decider=vouchers.VOUCHER_SAMPLE, table=voucher_tables.VOUCHER_SAMPLES,
        state=vouchers.VoucherSample, facts=facts, project=voucher_queries.released_vouchers,
    )  # fmt: skip


def _had_a_part(found: Sequence[Grant]) -> frozenset[str]:
    """Who wore a hat on one of these grants, counsels its case, visited for it, or filed one of its papers."""
    people = {who for grant in found for _, who in hats(grant)}
    people |= {grant.counsellor_id for grant in found}
    people |= {visit.recorded_by for grant in found for visit in grant.visits}
    return frozenset(people | {paper.filed_by for grant in found for paper in grant.evidence})
