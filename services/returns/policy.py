"""Who may do what in returns; what is not listed is refused.

A receiving office acts and reads in its own countries only. Departure and arrival are attested by different parties,
and who prepares a case does not decide on it.
"""

from shared.actors import Role
from shared.policy import Policy, allow

_STAFF = (Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.OPERATIONS)

POLICY = Policy(
    allow("list_cases", *_STAFF),
    allow("list_cases", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("list_arrivals", Role.COORDINATOR, Role.OPERATIONS),
    allow("list_arrivals", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_case", *_STAFF),
    allow("read_case", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("ask_status", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_departure_gate", *_STAFF),
    allow("read_timeline", *_STAFF),
    allow("start_screening", Role.COUNSELLOR),
    allow("record_screening", Role.COUNSELLOR),
    allow("sign_declaration", Role.COUNSELLOR),
    allow("submit_application", Role.COUNSELLOR),
    allow("record_contact_tried", Role.COUNSELLOR),
    allow("declare_ineligible", Role.COORDINATOR),
    allow("approve_case", Role.COORDINATOR),
    allow("lapse_case", Role.COORDINATOR),
    allow("record_not_departed", Role.COORDINATOR),
    allow("request_closing", Role.COORDINATOR),
    allow("start_preparation", Role.OPERATIONS),
    allow("record_travel_document", Role.COUNSELLOR, Role.OPERATIONS),
    allow("confirm_booking", Role.OPERATIONS),
    allow("mark_ready_to_travel", Role.OPERATIONS),
    allow("confirm_voluntariness", Role.OPERATIONS),
    allow("clear_to_board", Role.OPERATIONS),
    allow("record_departure", Role.OPERATIONS),
    allow("record_missed_flight", Role.OPERATIONS),
    # Withdrawal waits for nobody, so whoever the migrant speaks to can record it.
    allow("withdraw_case", *_STAFF),
    allow("withdraw_person", *_STAFF),
    allow("confirm_arrival", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("start_monitoring", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("read_statistics", Role.COORDINATOR, Role.MANAGER, Role.CHIEF_OF_MISSION, Role.AUDITOR),
    allow("read_events", Role.AUDITOR),
    # A search says which events there are and not what they say; whoever opens one touches the key again.
    allow("search_log", Role.AUDITOR),
    allow("read_event", Role.AUDITOR),
    allow("read_chain", Role.AUDITOR),
    allow("export_log", Role.AUDITOR),
    allow("read_forms", *Role),
    step_up=(
        "approve_case", "read_events",
        "read_event", "read_chain", "export_log",
    ),
    on_record=(
        "read_case", "read_departure_gate", "read_timeline", "read_events",
        "search_log", "read_event", "read_chain", "export_log",
    ),
    searches=("ask_status", "read_chain"),
    exports=("read_events", "export_log"),
)
