"""Who may do what in returns; what is not listed is refused.

A receiving office acts and reads in its own countries only. Departure and arrival are attested by different parties,
and who prepares a case does not decide on it.
"""

from services.returns.domain.holds import LIFTING, PLACED_BY
from shared.actors import ABROAD, Role
from shared.policy import Policy, allow

STAFF = (Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.OPERATIONS)
# Whoever arranges something for somebody on the way.
_SUPPORTING = (Role.COUNSELLOR, Role.PROTECTION, Role.OPERATIONS)
# Medical staff reach every case. Somebody of an office who has this role as well stays of the office: what the window tells
# decides, and no doctor abroad reads a case before its approval or another country's.
_MEDICAL = ("list_cases", "read_case", "record_fit_to_travel", "plan_support", "give_support", "cancel_support")

POLICY = Policy(
    *(allow(operation, Role.MEDICAL, unless=ABROAD) for operation in _MEDICAL),
    allow("list_cases", *STAFF),
    allow("list_cases", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_arrivals", Role.COORDINATOR, Role.OPERATIONS),
    allow("list_arrivals", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_arrivals_to_confirm", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_case", *STAFF),
    allow("read_case", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("ask_status", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_departure_gate", *STAFF),
    allow("read_timeline", *STAFF),
    allow("start_screening", Role.COUNSELLOR),
    allow("assess_voluntariness", Role.COUNSELLOR, Role.PROTECTION),
    allow("record_fear_of_return", Role.COUNSELLOR, Role.PROTECTION),
    allow("record_vulnerability", Role.COUNSELLOR, Role.PROTECTION),
    # What may keep somebody here is decided by who does not prepare the journey.
    allow("assess_trafficking_risk", Role.PROTECTION),
    allow("record_best_interests", Role.PROTECTION),
    allow("close_alert", Role.PROTECTION),
    # Asked under a consent of its own, before the office knows of anything else.
    allow("ask_for_family_assessment", Role.COUNSELLOR, Role.PROTECTION),
    allow("list_family_assessments", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("answer_family_assessment", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_protection_board", Role.PROTECTION),
    allow("sign_declaration", Role.COUNSELLOR),
    allow("submit_application", Role.COUNSELLOR),
    allow("record_contact_tried", Role.COUNSELLOR),
    allow("declare_ineligible", Role.COORDINATOR),
    allow("approve_case", Role.COORDINATOR),
    allow("lapse_case", Role.COORDINATOR),
    allow("record_not_departed", Role.COORDINATOR),
    # Who waits there asks, and who may say that nobody left answers.
    allow("ask_to_confirm_departure", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("confirm_departure", Role.COORDINATOR),
    allow("record_ticket_cost", Role.OPERATIONS),
    # What it cost, and of the travel nothing else (domain reference 5.4).
    allow("list_ticket_costs", Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.FINANCE_RECONCILER),
    allow("request_closing", Role.COORDINATOR),
    # Who followed the person after the return writes it; who closes the case may do so as well.
    allow("write_final_report", Role.COUNSELLOR, Role.COORDINATOR),
    allow("write_final_report", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("reopen_case", Role.COORDINATOR),
    allow("start_preparation", Role.OPERATIONS),
    allow("record_travel_document", Role.COUNSELLOR, Role.OPERATIONS),
    allow("flag_for_medical", Role.COUNSELLOR, Role.PROTECTION, Role.OPERATIONS),
    # The decision is a doctor's; where none works here, it is copied from the certificate by who books what it asks for.
    allow("record_fit_to_travel", Role.OPERATIONS),
    allow("record_exit_formalities", Role.OPERATIONS),
    allow("record_transit_visa", Role.COUNSELLOR, Role.OPERATIONS),
    allow("record_reception_arranged", Role.OPERATIONS),
    # Of what tells of health the rules say who may record it and who sees it (`domain/support.py`).
    allow("plan_support", *_SUPPORTING),
    allow("give_support", *_SUPPORTING),
    allow("cancel_support", *_SUPPORTING),
    allow("confirm_booking", Role.OPERATIONS),
    allow("mark_ready_to_travel", Role.OPERATIONS),
    allow("confirm_voluntariness", Role.OPERATIONS, Role.PROTECTION),
    allow("clear_to_board", Role.OPERATIONS),
    allow("record_departure", Role.OPERATIONS),
    allow("record_missed_flight", Role.OPERATIONS),
    # Withdrawal waits for nobody, so whoever the migrant speaks to can record it.
    allow("withdraw_case", *STAFF),
    allow("withdraw_person", *STAFF),
    # Who travels with whom is for whoever counsels and decides; where a child would go alone, for protection (the rules).
    allow("split_family", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("join_family", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    # That a child goes without an adult of its case is decided by who does not prepare the journey.
    allow("record_guardian", Role.PROTECTION),
    allow("record_supervision", Role.PROTECTION),
    # What protection decides in place of a parent the rules leave to protection.
    allow("settle_other_parent", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    # That it does not hold any more waits for nobody, so whoever is told of it can record it.
    allow("ask_for_other_parent", *STAFF),
    # A hold waits for nobody either; which of them somebody lifts goes by its reason (`domain/holds.py`).
    allow("put_on_hold", *PLACED_BY),
    allow("lift_hold", *LIFTING),
    allow("record_transit_interrupted", Role.OPERATIONS),
    # One says that a record is wrong, another decides; the rules refuse that it is the same person.
    allow("list_corrections", Role.COORDINATOR, Role.OPERATIONS),
    allow("ask_for_correction", Role.COORDINATOR, Role.OPERATIONS),
    allow("correct_departure", Role.COORDINATOR, Role.OPERATIONS),
    allow("correct_arrival", Role.COORDINATOR, Role.OPERATIONS),
    allow("reject_correction", Role.COORDINATOR, Role.OPERATIONS),
    allow("confirm_arrival", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("start_monitoring", Role.RECEIVING_OFFICE, extent="own_countries"),
    # What the service does by itself each minute; on a replayed clock somebody has to say that a day is over.
    allow("look_at_the_clock", Role.ADMINISTRATOR),
    allow("list_ended_cases", Role.RETENTION),
    # For the person, who asks what is held about them.
    allow("read_held", Role.DATA_PROTECTION),
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
        "approve_case", "read_events", "read_held",
        "read_event", "read_chain", "export_log",
    ),
    on_record=(
        "list_arrivals_to_confirm", "list_family_assessments", "read_protection_board", "read_case", "read_departure_gate", "read_timeline", "read_held", "read_events",
        "search_log", "read_event", "read_chain", "export_log",
    ),
    searches=("ask_status", "read_chain"),
    exports=("read_events", "export_log"),
)
