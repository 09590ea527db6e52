"""What a copy of somebody's data takes from reintegration's tables, and why the other tables tell them nothing."""

from services.reintegration import bank_wiring, payee_details, survey_answers
from shared.contracts.noted_cases import PersonsCame, PersonsLeft, StayNoted, StayTakenBack
from shared.contracts.payees import PayeeEnded
from shared.contracts.reintegration import PaymentConfirmed
from shared.contracts.sanctions import PayeeScreened
from shared.contracts.visits import CashWitnessed
from shared.held import Holdings

HOLDINGS = Holdings(
    # What stood against a payment, or what a list of sanctions resembles, is looked at by who oversees the money, as are the
    # tables of it; that somebody is blocked, and why they were closed else, the payee tells.
    undisclosed=(PaymentConfirmed, CashWitnessed, PayeeScreened, PayeeEnded),
    parting=(PersonsLeft, StayNoted), coming=(PersonsCame, StayTakenBack),
    opens={"payee_details": payee_details.told, "survey_answers": survey_answers.told},
    about={"payee_details": "payee_id"},
    untold={
        "payee_details.country": "the country in which the person is paid, which is told of the payee",
        **dict.fromkeys(
            ("payees.hits", "payees.cleared", "payees.clearing_reason", "payees.clearers", "payees.screened_lists", "payees.screened_with"),
            "what a list of sanctions resembles is looked at by two persons; that somebody is blocked is told",
        ),
        "paid_although": "what stood against a payment that was made, which is looked at by who oversees the money; the payment is told with its grant",
        "payee_clearances": "which entries of lists mean somebody else, which is about others",
        **dict.fromkeys(("own_accounts", "payment_batches", "batch_payments", "batch_progress"), "the mission's accounts and what goes to the bank; each attempt to pay is told with its grant"),
        "sanctions_lists": "which lists of sanctions were brought, which is nobody's",
        "sanctions_entries": "what lists of sanctions say, which their publishers tell",
        "payees.shares": "which other payees have the same account, which is about others",
        "payees.vendor_key": "the code of a vendor, which is told",
        "payees.contacts": "since when which contact can be called; each is told with its account",
        "payee_tokens": "keyed hashes of accounts, which are told",
        "former_payee_tokens": "keyed hashes of accounts of before, which are told",
        "payee_shares": "which other payees have the same account, which is about others",
        "staff_lists": "which accounts members of staff have, which is about no beneficiary",
        "staff_accounts": "keyed hashes of accounts of members of staff, which is about no beneficiary",
        "payee_accounts": "which accounts members of staff stated when; each account is told",
        "payee_confirmations": "which member of staff confirmed which account, which the payee tells",
        "evidence_files": "the papers themselves: each is told with its grant, and a copy is given on request",
        "evidence_pieces": "the papers themselves: each is told with its grant, and a copy is given on request",
        **dict.fromkeys(("spot_check_draws", "drawn_deliveries", "spot_checks"), "whether colleagues handed over what they say, which is about them"),
        "lost_payments": "which payments a restore lost, by their ids, and what became of them",
        **dict.fromkeys(("voucher_samples", "released_vouchers", "released_papers"), "which receipts an auditor asked to read; whoever opened one is told as a reader"),
        **dict.fromkeys(("instruments", "instrument_texts", "survey_rounds", "survey_averages"), "what surveys ask and when, which is nobody's"),
        "families": "which persons belong together, which counselling tells",
        "person_caps": "how often a person's grants changed, so that two at a time do not pass the cap",
        "case_limits": "how many grants of a case are live, which are told",
        "case_plans": "an index of plans, which are told",
        "taken_plan_lines": "an index of grants, which are told",
        **dict.fromkeys(
            ("grant_endorsements", "grant_approvals", "grant_commitments", "commitment_additions", "approvals_before"),
            "who decided on which version of a request, by whose authority; the grant, with who they were, is told",
        ),
        "grant_versions": "what was asked for in each version of a request; the grant, with the present one, is told",
        "open_advances": "an index of tranches, which are told with their grant",
        "attempt_accounts": "keyed hashes of accounts, which are told",
        "payment_attempts": "each attempt to pay a tranche, which is told with its grant",
        **bank_wiring.UNTOLD,
        **dict.fromkeys(("recovered_money", "write_offs_asked", "write_offs"), "what came back of money that is asked back, which is told with its grant"),
        "reconciliation_differences": "what of a tranche was not received, which is told with its grant",
        "payment_references": "an index of payments, which are told with their grant",
        **dict.fromkeys(("funds", "fund_balances"), "a donor's money, which is nobody's"),
        "fund_changes": "what was asked for a donor's money, which is about no beneficiary",
        "fund_confirmations": "what was confirmed of a donor's money, which is about no beneficiary",
        "fund_drops": "what was not confirmed of a donor's money, which is about no beneficiary",
        "fund_postings": "what a grant took of its fund and when, which is told with the grant and its tranches",
        **dict.fromkeys(("accounting_periods", "closed_months"), "which months are closed, which is nobody's"),
        **dict.fromkeys(("rates", "exchange_rates"), "what currencies are worth, which is nobody's"),
        **dict.fromkeys(("authorities", "authority_terms"), "what members of staff may approve, which is about no beneficiary"),
        "open_authorities": "an index of what members of staff may approve",
        **dict.fromkeys(("funding_policies", "policy_versions"), "what programmes ask for, which is nobody's"),
        "grants_of_the_erased": "how many grants of persons who were erased were for what, without saying whose",
        "grant_decisions": "which member of staff decided what, which is told with the grant",
        "grant_turns": "which member of staff acts next on a grant, which is told",
    },
)
