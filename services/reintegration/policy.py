"""Who may do what in reintegration; what is not listed is refused."""

from collections.abc import Mapping

from services.reintegration.domain.turns import TurnOf
from shared.actors import ABROAD, Actor, Role
from shared.policy import Policy, allow

# Who asks for, judges or decides on a grant sees what it is for. Who pays and who reconciles see the money alone: that a
# line is a medical one tells of health.
SEES_WHAT_IT_IS_FOR = (Role.COUNSELLOR, Role.COORDINATOR, Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION)
SEES_THE_MONEY = (Role.FINANCE_PAYER, Role.FINANCE_RECONCILER)
# Who pays for an office sees the money of its own countries, once it is approved, and what is theirs to pay (decision 72).
PAYS_FOR_AN_OFFICE = (
    "release_tranche", "list_payees_of_grant", "read_payee_account", "confirm_payment", "report_payment_failed", "read_voucher",
    "list_unclaimed_cash", "list_turns",
)
# What a grant costs its fund is told to finance and to the chief of mission, who commit it.
SEES_THE_FUND = (*SEES_THE_MONEY, Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION)
# Who certifies what a grant of health needs sees such grants, with their papers, and no other (`is_shown`). Somebody of an
# office who has this role as well stays of the office: what the persons agreed to decides, as for all of it, and the mission's
# own medical staff certify what the office asks for.
CERTIFIES = (Role.MEDICAL,)
# The hats that are worn by whoever has a role, so whose turns are theirs.
HATS: Mapping[Role, tuple[TurnOf, ...]] = {
    Role.RECEIVING_OFFICE: ("requester", "deliverer"), Role.COORDINATOR: ("endorser",),
    Role.MEDICAL: ("certifier",), Role.FINANCE_APPROVER: ("approver",), Role.CHIEF_OF_MISSION: ("chief",), Role.FINANCE_PAYER: ("payer",), Role.OFFICE_PAYER: ("payer",), Role.FINANCE_RECONCILER: ("reconciler",),
}  # fmt: skip

READS_REGISTERS = (*SEES_THE_MONEY, Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION, Role.MANAGER, Role.AUDITOR)
# Two payers, or a payer and the chief of mission; that they are two the core says.
SIGNS_BATCHES = (Role.FINANCE_PAYER, Role.CHIEF_OF_MISSION)
EXPORTS = ("export_turns", "export_grants", "export_funds", "export_rates", "export_exceptions", "export_undecidable_grants", "export_donor_view", "export_open_items")
LOOKS_AFTER_PAYEES = ("register_payee", "change_account", "drop_account_change", "close_payee")
# Who meets returnees asks them, and never whoever pays them, which the core says. Finance sees nothing of it.
ASKS_RETURNEES = ("record_survey", "refuse_survey", "correct_survey", "list_surveys", "read_survey", "list_due_surveys")
# Two of them open the vouchers of a sample to the auditor who asked; that they are two, with no part in these grants, the core says.
OPENS_VOUCHERS = (Role.CHIEF_OF_MISSION, Role.MANAGER, Role.DATA_PROTECTION)
READS_INSTRUMENTS = ("list_instruments", "read_instrument", "list_rounds")
# Who looks over what others decide.
OVERSEES = (Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION, Role.MANAGER, Role.AUDITOR)

POLICY = Policy(
    allow("read_case", Role.COUNSELLOR, Role.COORDINATOR),
    allow("read_case", Role.RECEIVING_OFFICE, extent="own_countries"),
    *(
        allow(operation, Role.COUNSELLOR)
        for operation in ("draft_plan", "change_draft", "confirm_draft", "record_own_plan", "share_plan", "complete_plan")
    ),
    *(
        allow(operation, Role.RECEIVING_OFFICE, extent="own_countries")
        for operation in ("agree_plan", "agree_first_plan", "revise_plan", "complete_plan")
    ),
    *(allow(operation, Role.COUNSELLOR, Role.COORDINATOR) for operation in ("read_plan", "list_plan_versions")),
    *(allow(operation, Role.RECEIVING_OFFICE, extent="own_countries") for operation in ("read_plan", "list_plan_versions")),
    allow("list_plans", Role.COUNSELLOR, Role.COORDINATOR, Role.MANAGER, Role.AUDITOR),
    allow("list_plans", Role.RECEIVING_OFFICE, extent="own_countries"),
    *(allow(operation, Role.MANAGER) for operation in ("open_fund", "change_fund", "close_fund")),
    # What one asked another one confirms or declines; that it is another one the core says.
    *(allow(operation, Role.MANAGER, Role.CHIEF_OF_MISSION) for operation in ("confirm_fund", "drop_fund_change")),
    allow(
        "read_fund",
        Role.MANAGER, Role.CHIEF_OF_MISSION, Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.AUDITOR,
    ),
    allow(
        "list_funds",
        Role.MANAGER, Role.CHIEF_OF_MISSION, Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.AUDITOR,
    ),
    # The manager and the chief of mission are told all of it, the others what a donor is told.
    *(
        allow(operation, Role.MANAGER, Role.CHIEF_OF_MISSION, Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.AUDITOR)
        for operation in ("read_donor_view", "export_donor_view")
    ),
    allow("close_period", Role.FINANCE_RECONCILER),
    allow("reopen_period", Role.FINANCE_RECONCILER),
    allow("confirm_reopening", Role.CHIEF_OF_MISSION),
    allow("drop_reopening", Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION),
    *(allow(operation, *READS_REGISTERS) for operation in ("list_periods", "read_period")),
    allow("record_rate", Role.FINANCE_RECONCILER),
    allow("correct_rate", Role.FINANCE_RECONCILER),
    allow("void_rate", Role.FINANCE_RECONCILER),
    *(allow(operation, *READS_REGISTERS) for operation in ("list_rates", "read_rate", "list_rates_in_force", "convert_money")),
    # Who gives which role its authority the core says: the chief of mission has theirs from a manager.
    *(
        allow(operation, Role.CHIEF_OF_MISSION, Role.MANAGER)
        for operation in ("give_authority", "name_deputy", "end_authority")
    ),
    allow("publish_policy", Role.MANAGER),
    *(
        allow(operation, *READS_REGISTERS)
        for operation in ("list_authorities", "read_authority", "list_policies", "read_policy", "read_example_policy")
    ),
    # Whoever pays is in none of these: decision 51.
    *(allow(operation, Role.FINANCE_RECONCILER) for operation in LOOKS_AFTER_PAYEES),
    *(allow(operation, Role.RECEIVING_OFFICE, extent="own_countries") for operation in LOOKS_AFTER_PAYEES),
    *(allow(operation, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION) for operation in ("confirm_payee", "confirm_call_back")),
    *(allow(operation, *READS_REGISTERS) for operation in ("list_payees", "read_payee")),
    *(
        allow(operation, Role.RECEIVING_OFFICE, extent="own_countries")
        for operation in ("list_payees", "read_payee", "read_payee_account")
    ),
    allow("accept_shared_account", Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION),
    allow("list_payee_findings", Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION, Role.AUDITOR),
    *(
        allow(operation, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION)
        for operation in (
            "upload_sanctions_list", "confirm_sanctions_list", "drop_sanctions_list", "screen_payee", "ask_to_clear_hits", "clear_hits", "confirm_hits", "read_payee_hits",
        )
    ),
    *(
        allow(operation, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION, Role.AUDITOR)
        for operation in ("list_sanctions_lists", "read_sanctions_list")
    ),
    *(allow(operation, Role.MANAGER) for operation in ("publish_instrument", "plan_round", "end_round")),
    *(allow(operation, Role.COUNSELLOR) for operation in ASKS_RETURNEES),
    *(allow(operation, Role.RECEIVING_OFFICE, extent="own_countries") for operation in ASKS_RETURNEES),
    *(
        allow(operation, Role.COUNSELLOR, Role.RECEIVING_OFFICE, Role.COORDINATOR, Role.MANAGER, Role.AUDITOR)
        for operation in READS_INSTRUMENTS
    ),
    allow("read_survey_averages", Role.COORDINATOR, Role.MANAGER),
    allow("draw_spot_check", Role.FINANCE_RECONCILER, Role.MANAGER, Role.AUDITOR),
    # Never an office, whatever else somebody of it is: it would look at what it delivered itself.
    *(
        allow(operation, Role.COORDINATOR, Role.FINANCE_RECONCILER, Role.MANAGER, Role.AUDITOR, unless=ABROAD)
        for operation in ("record_spot_check", "list_spot_check_draws", "read_spot_check_draw")
    ),
    *(allow(operation, Role.AUDITOR) for operation in ("ask_for_vouchers", "draw_vouchers", "list_vouchers", "open_voucher")),
    *(allow(operation, *OPENS_VOUCHERS) for operation in ("offer_vouchers", "release_vouchers", "withdraw_vouchers")),
    *(allow(operation, Role.AUDITOR, *OPENS_VOUCHERS) for operation in ("list_voucher_samples", "read_voucher_sample")),
    # Whoever pays states no account to pay from.
    *(
        allow(operation, Role.FINANCE_RECONCILER)
        for operation in ("register_own_account", "confirm_own_account", "close_own_account")
    ),
    allow("list_own_accounts", *READS_REGISTERS),
    allow("read_own_account", *SEES_THE_MONEY, Role.AUDITOR),
    allow("make_batch", Role.FINANCE_PAYER),
    *(allow(operation, Role.FINANCE_PAYER) for operation in ("take_batch_file", "read_batch_file")),
    *(
        allow(operation, *SIGNS_BATCHES)
        for operation in ("approve_batch", "drop_batch", "confirm_batch_drop", "keep_batch")
    ),
    *(
        allow(operation, *READS_REGISTERS)
        for operation in ("list_payment_batches", "read_payment_batch", "list_payment_attempts")
    ),
    # What the bank says: a reconciler brings it, another person finds the same at the bank, or drops it. That they are two, and
    # that neither pays, the core says.
    *(
        allow(operation, Role.FINANCE_RECONCILER, Role.FINANCE_APPROVER)
        for operation in ("confirm_bank_file", "drop_bank_file", "settle_bank_file")
    ),
    # What counts and should not is dropped by two others than those by whom it counts, where a small mission has the chief alone.
    *(
        allow(operation, Role.FINANCE_RECONCILER, Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION)
        for operation in ("ask_to_revoke_bank_file", "revoke_bank_file", "keep_bank_file")
    ),
    # A reconciler finds what a line is, another one confirms of which payment it is.
    *(
        allow(operation, Role.FINANCE_RECONCILER)
        for operation in (
            "import_bank_file", "explain_line", "propose_explanation", "match_line", "undo_match", "tell_apart",
        )
    ),
    *(
        allow(operation, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION)
        for operation in (
            "confirm_match", "drop_match", "confirm_explanation", "drop_explanation", "confirm_undoing", "keep_match", "confirm_apart", "keep_together",
        )
    ),
    *(
        allow(operation, *SEES_THE_FUND, Role.AUDITOR)
        for operation in ("list_bank_files", "read_bank_file", "list_bank_lines", "read_bank_line", "read_bank_line_counts")
    ),
    # Of an account of staff nobody in finance learns whose it is; hashes alone are kept.
    allow("upload_staff_accounts", Role.ADMINISTRATOR),
    allow("confirm_staff_accounts", Role.MANAGER, Role.FINANCE_APPROVER),
    allow("drop_staff_accounts", Role.ADMINISTRATOR, Role.MANAGER, Role.FINANCE_APPROVER),
    *(
        allow(operation, Role.ADMINISTRATOR, Role.MANAGER, Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.AUDITOR)
        for operation in ("list_staff_lists", "read_staff_list")
    ),
    # Who compares an account with its papers, calls back, or pays to it.
    allow("read_payee_account", Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION, Role.FINANCE_PAYER),
    *(allow(operation, Role.RECEIVING_OFFICE, extent="own_countries") for operation in ("draft_grant", "submit_grant", "revise_grant")),
    *(allow(operation, *CERTIFIES, unless=ABROAD) for operation in ("certify_medical_need", "refuse_certificate")),
    allow("return_grant", Role.COORDINATOR),
    allow("endorse_grant", Role.COORDINATOR),
    allow("reject_grant", Role.COORDINATOR, Role.FINANCE_APPROVER),
    *(allow(operation, Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION) for operation in ("approve_grant", "add_to_commitment")),
    # Once a grant is approved the core refuses a receiving office.
    allow("cancel_grant", Role.COORDINATOR),
    allow("cancel_grant", Role.RECEIVING_OFFICE, extent="own_countries"),
    *(allow(operation, Role.COORDINATOR, Role.FINANCE_APPROVER) for operation in ("suspend_grant", "resume_grant")),
    allow("open_recovery", Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER),
    *(allow(operation, Role.FINANCE_RECONCILER) for operation in ("record_recovery", "confirm_recovery", "drop_recovery")),
    allow("ask_to_end_payment", Role.FINANCE_RECONCILER),
    *(allow(operation, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION) for operation in ("confirm_payment_end", "keep_payment_open")),
    # What one asks another one confirms; that it is another one the core says.
    allow("write_off_recovery", Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER),
    allow("confirm_write_off", Role.FINANCE_APPROVER, Role.CHIEF_OF_MISSION),
    allow("drop_write_off", Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION),
    *(allow(operation, Role.FINANCE_APPROVER, *OVERSEES) for operation in ("list_recoveries", "list_differences", "list_booked_otherwise")),
    *(allow(operation, Role.FINANCE_PAYER) for operation in ("release_tranche", "list_payees_of_grant")),
    allow("confirm_payment", Role.FINANCE_PAYER),
    *(allow(operation, Role.OFFICE_PAYER, extent="own_countries") for operation in PAYS_FOR_AN_OFFICE),
    allow("report_payment_failed", *SEES_THE_MONEY),
    allow("reverse_payment", Role.FINANCE_RECONCILER),
    *(allow(operation, Role.RECEIVING_OFFICE, extent="own_countries") for operation in ("witness_cash", "record_visit", "confirm_delivery")),
    allow("record_visit", Role.COUNSELLOR),
    # What could not be stopped any more is for others to look at than who did it.
    allow("list_paid_although", *OVERSEES),
    # What became of what a restore lost; that whoever ordered it states nothing of it, and that two clear it, the core says.
    *(allow(operation, *READS_REGISTERS) for operation in ("list_lost_payments", "read_lost_payments")),
    *(allow(operation, Role.FINANCE_RECONCILER, Role.FINANCE_APPROVER) for operation in ("settle_lost_payment", "name_found_payment")),
    allow("ask_to_clear_lost_payments", Role.FINANCE_RECONCILER),
    allow("clear_lost_payments", Role.FINANCE_APPROVER),
    allow("read_voucher", Role.FINANCE_PAYER),
    allow("read_voucher", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_unclaimed_cash", *SEES_THE_MONEY),
    *(allow(operation, *READS_REGISTERS) for operation in ("read_open_items", "list_open_items", "export_open_items")),
    allow("reconcile_tranche", Role.FINANCE_RECONCILER),
    # Where all of them had part in the file that paid it.
    allow("reconcile_in_their_place", Role.CHIEF_OF_MISSION),
    allow("read_grant", *SEES_WHAT_IT_IS_FOR, *SEES_THE_MONEY),
    allow("read_grant", *CERTIFIES, unless=ABROAD),
    allow("read_grant", Role.RECEIVING_OFFICE, extent="own_countries"),
    *(allow(operation, Role.OFFICE_PAYER, extent="own_countries") for operation in ("read_grant", "list_evidence", "read_evidence")),
    allow(
        "list_grants",
        Role.COUNSELLOR, Role.COORDINATOR, Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.FINANCE_RECONCILER,
        Role.CHIEF_OF_MISSION, Role.MANAGER, Role.AUDITOR,
    ),
    allow("list_grants", *CERTIFIES, unless=ABROAD),
    allow("list_grants", Role.RECEIVING_OFFICE, extent="own_countries"),
    # Who endorses does not supply what the endorsement rests on.
    allow("file_evidence", Role.COUNSELLOR),
    allow("file_evidence", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_evidence", *SEES_WHAT_IT_IS_FOR, *SEES_THE_MONEY),
    allow("list_evidence", *CERTIFIES, unless=ABROAD),
    allow("list_evidence", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_evidence", *SEES_WHAT_IT_IS_FOR, *SEES_THE_MONEY),
    allow("read_evidence", *CERTIFIES, unless=ABROAD),
    allow("read_evidence", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_turns", *(role for role in HATS if role not in ABROAD and role not in CERTIFIES)),
    allow("list_turns", *CERTIFIES, unless=ABROAD),
    allow("list_turns", Role.RECEIVING_OFFICE, extent="own_countries"),
    # An office is shown its grants through its window, where consent is asked.
    allow(
        "list_my_decisions",
        Role.COORDINATOR, Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION,
    ),
    # What finance takes home says of no person more than whose case it is; an office has its own countries on its pages.
    allow("export_turns", Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.FINANCE_RECONCILER),
    allow("export_grants", *READS_REGISTERS),
    allow(
        "export_funds",
        Role.MANAGER, Role.CHIEF_OF_MISSION, Role.FINANCE_APPROVER, Role.FINANCE_RECONCILER, Role.AUDITOR,
    ),
    allow("export_rates", *READS_REGISTERS),
    *(allow(operation, *OVERSEES) for operation in ("list_exceptions", "export_exceptions")),
    *(
        allow(operation, Role.FINANCE_APPROVER, *OVERSEES)
        for operation in ("list_undecidable_grants", "export_undecidable_grants")
    ),
    # For whoever replays days, on whose clock nothing is looked for by itself.
    allow("look_at_the_clock", Role.ADMINISTRATOR),
    # For the person, who asks what is held about them.
    allow("read_held", Role.DATA_PROTECTION),
    # Two persons decided on it with the erasure; the program that keeps count of the time says that the day is over.
    allow("list_kept_receipts", Role.RETENTION),
    allow("end_kept_papers", Role.RETENTION),
    allow("list_kept_payees", Role.RETENTION),
    allow("delete_payee_details", Role.RETENTION),
    allow("read_statistics", Role.COORDINATOR, Role.MANAGER, Role.CHIEF_OF_MISSION, Role.AUDITOR),
    allow("read_events", Role.AUDITOR, Role.ARCHIVE),
    allow("read_verification", Role.AUDITOR, Role.ARCHIVE),
    # A search says which events there are and not what they say; whoever opens one touches the key again.
    allow("search_log", Role.AUDITOR),
    allow("read_event", Role.AUDITOR),
    allow("read_chain", Role.AUDITOR),
    allow("export_log", Role.AUDITOR),
    allow("read_forms", *Role),
    step_up=(
        "approve_grant", "add_to_commitment", "release_tranche", "confirm_payment", "report_payment_failed", "ask_to_end_payment", "confirm_payment_end", "reconcile_in_their_place", "reverse_payment", "record_recovery", "confirm_recovery", "confirm_write_off", "record_rate", "correct_rate", "void_rate", "give_authority",
        "name_deputy", "end_authority", "publish_policy", "open_fund", "change_fund", "close_fund", "confirm_fund",
        "drop_fund_change", "close_period", "reopen_period", "confirm_reopening", "drop_reopening",
        "confirm_payee", "confirm_call_back", "accept_shared_account", "confirm_own_account",
        "make_batch", "approve_batch", "take_batch_file", "drop_batch", "confirm_batch_drop", "read_batch_file",
        "import_bank_file", "confirm_bank_file", "drop_bank_file", "ask_to_revoke_bank_file", "revoke_bank_file", "keep_bank_file", "propose_explanation", "confirm_explanation", "drop_explanation", "match_line", "confirm_match", "drop_match", "undo_match", "confirm_undoing", "keep_match", "tell_apart", "confirm_apart", "keep_together",
        "upload_sanctions_list", "confirm_sanctions_list", "drop_sanctions_list", "upload_staff_accounts", "confirm_staff_accounts",
        "drop_staff_accounts", "ask_to_clear_hits", "clear_hits", "confirm_hits", "read_events", "read_held", "read_event", "read_chain", "export_log",
        "offer_vouchers", "release_vouchers", "list_vouchers", "open_voucher",
        "settle_lost_payment", "name_found_payment", "ask_to_clear_lost_payments", "clear_lost_payments",
        *EXPORTS,
    ),
    on_record=(
        "read_case", "read_plan", "list_plan_versions", "read_grant", "list_evidence", "read_evidence", "read_payee", "read_payee_account", "read_payee_hits", "read_batch_file", "read_survey", "list_payees_of_grant", "read_voucher", "list_vouchers",
        "read_held", "read_events",
        "search_log", "read_event", "read_chain", "export_log", *EXPORTS,
    ),
    searches=("read_chain",),
    exports=("read_events", "export_log", *EXPORTS),
)

# Whoever opens a grant in one of these roles opens any of those within reach.
_ANY_GRANT = frozenset(row.role for row in POLICY.rows if row.operation == "read_grant") - {*CERTIFIES, Role.OFFICE_PAYER}

_ANY_ACCOUNT = frozenset(row.role for row in POLICY.rows if row.operation == "read_payee_account") - {Role.OFFICE_PAYER}


def opens_what_they_pay_alone(actor: Actor) -> bool:
    """Whether somebody who may open an account opens those alone to which they are to pay: who pays for an office, and no more."""
    return actor.roles.isdisjoint(_ANY_ACCOUNT)


def certifies(actor: Actor) -> bool:
    """Whether somebody is of the mission's own medical staff; whoever works abroad is of their office alone."""
    return not actor.roles.isdisjoint(CERTIFIES) and actor.roles.isdisjoint(ABROAD)


def hats_of(actor: Actor) -> frozenset[TurnOf]:
    """The hats whose turns are this person's."""
    roles = actor.roles if certifies(actor) else actor.roles - {*CERTIFIES}
    return frozenset(hat for role, theirs in HATS.items() if role in roles for hat in theirs)


def is_shown(actor: Actor, *, of_health: bool, approved: bool = True) -> bool:
    """Whether somebody who may read grants is shown this one: medical staff only what tells of health, an office's payer only what is approved."""
    if actor.roles & _ANY_GRANT:
        return True
    if certifies(actor):
        return of_health
    return approved or Role.OFFICE_PAYER not in actor.roles
