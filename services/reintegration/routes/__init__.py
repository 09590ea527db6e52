"""Reintegration's API: each route gives one command or answers one question."""

from fastapi import APIRouter

from services.reintegration.routes import (
    approval_policies,
    authorities,
    bank,
    batches,
    brought_lists,
    control,
    differences,
    donor_views,
    evidence,
    exports,
    finance,
    funds,
    grants,
    lost_payments,
    open_items,
    own_accounts,
    paid_although,
    payees,
    payees_of_grants,
    periods,
    plans,
    rates,
    recoveries,
    retention,
    sanctions,
    spot_checks,
    surveys,
    timers,
    vouchers,
)

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
router = APIRouter(
    routes=[
        route for part in (plans, funds, donor_views, periods, rates, authorities, approval_policies, grants, finance, recoveries, differences, paid_although, lost_payments, exports, control, evidence, payees, payees_of_grants, sanctions, brought_lists, own_accounts, open_items, batches, surveys, spot_checks, vouchers, bank, retention, timers) for route in part.router.routes
    ]
)
