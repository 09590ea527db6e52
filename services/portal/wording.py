"""Codes of the services in words for people: countries, languages, statuses, names of fields, what is wrong with one."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale

from services.portal.translation import translated
from shared.countries import ALPHA_2
from shared.currencies import CODES

# What is not listed reads well enough with blanks for underscores.
WORDS: Final[Mapping[str, str]] = {
    "statement": "statement of an account (camt.053)", "status_report": "report on payments (pain.002)",
    "credit": "money in", "debit": "money out", "lost_in_a_restore": "lost in a restore", "never_signed": "never signed",
    "lost_waiting": "not cleared", "lost_asked": "waits for an approver", "lost_cleared": "cleared",
    "lost_released": "released, to be paid", "lost_batched": "put in a batch for the bank, or its file was taken", "lost_paid": "paid or handed over",
    "lost_left": "its money left", "lost_not_left": "no money left",
    "stop_grant.suspended": "the grant was suspended", "stop_grant.rejected": "the grant was rejected", "stop_grant.cancelled": "the grant was cancelled", "stop_grant.recovery_opened": "money of the grant was asked back",
    "stop_payee.account_change_asked": "the payee is to be paid to another account", "stop_payee.ended": "nothing is paid to the payee any more", "stop_payee.closed": "nothing is paid to the payee any more", "stop_payee.hits_confirmed": "nothing is paid to the payee any more",
    "stop_sanctions_list.uploaded": "a list of sanctions was brought", "stop_staff_list.confirmed": "a list of the accounts of staff was put in force", "stop_own_account.closed": "an account of our own was closed", "stop_authority.ended": "an authority to approve was ended",
    "stop_fund.changed": "what the donor grants, or until when, was changed", "stop_funding_policy.published": "what a programme caps and asks for was published anew", "stop_fund.closed": "the fund was closed", "stop_period.closed": "the month was closed", "stop_payment_batch.drop_asked": "a batch for the bank was to be dropped", "stop_payment_batch.dropped": "a batch for the bank was dropped",
    "file_unconfirmed": "waits for a second person", "file_confirmed": "counts", "file_dropped": "dropped", "not_from_the_bank": "the bank knows nothing of it", "differs_from_the_bank": "the bank shows something else", "brought_by_mistake": "it was brought by mistake",
    "line_unconfirmed": "its file waits for a second person", "line_dropped": "its file was dropped", "line_unmatched": "waits", "line_matched": "paid", "line_returned": "came back", "line_rejected": "refused by the bank",
    "line_explained": "explained", "line_recovered": "money that was asked back", "line_duplicate": "told again", "line_accepted": "accepted by the bank",
    "charges": "charges of the bank", "interest": "interest", "transfer_between_accounts": "a transfer between accounts of our own",
    "not_ours": "no payment of ours", "recovery": "money that was asked back", "exchange": "an exchange of currencies",
    "corrected_by_the_bank": "the bank corrected itself", "answered_otherwise": "it was dealt with otherwise",
    "quoted_wrongly": "the bank quoted it wrongly", "mixed_up_with_another": "the bank mixed up two payments", "named_one_is_over": "the one that it names is over",
    "why_names_no_attempt": "it names no payment of ours", "why_attempt_unknown": "the payment that it names is not known",
    "why_not_by_bank": "the bank was not ordered to make this payment", "why_not_sent": "money was moved under the id of a payment that was never sent to the bank",
    "why_sent_before_restore": "a restore lost that its file went to the bank, and its money left: two persons say that this is it", "why_another_account": "the payment was ordered from another account", "why_another_file": "the payment was ordered by another file", "why_another_payee": "the money went to another account than the payment was released to", "why_another_block": "the bank names another order than that in which the payment stands", "why_amount_unknown": "the bank does not say how much it was",
    "why_amount_differs": "it is of another amount than the payment", "why_currency_differs": "it is in another currency than the payment",
    "why_too_far_from_rate": "it was booked in another currency, and far from what the rate of that day makes of it, or no rate is known", "why_back_in_another_currency": "it came back in another currency than it was paid in",
    "why_not_released": "the payment failed before", "why_booked_after_all": "alarm: two persons had ended this payment since the bank had not answered; it may be paid twice", "why_paid_anew": "alarm: this payment was made anew since two persons had ended it, so that it was paid twice", "why_already_settled": "the payment is settled already",
    "why_not_paid": "money came back that was not paid", "why_delivered_already": "what was paid is delivered already",
    "why_gives_no_reason": "it quotes a payment and says no reason why it came back", "why_takes_back": "it takes back what had come back",
    "why_may_have_been_paid": "the payment may have been made", "why_waits_for_its_grant": "it is settled within a minute, if the grant lets it",
    "open_waits_for_batch": "released, in no batch for the bank", "open_waits_for_bank": "in a batch, the bank has not answered",
    "open_waits_for_payer": "released otherwise, not confirmed", "open_cash_not_handed_over": "cash, not handed over",
    "open_not_delivered": "paid, not delivered", "open_not_reconciled": "delivered, not reconciled",
    "open_unmatched_line": "line of the bank that fits nothing", "open_open_recovery": "asked back, still waited for", "open_unconfirmed_file": "file of the bank that nobody confirmed",
    "age_0-30": "up to 30 days", "age_31-60": "31 to 60 days", "age_61-90": "61 to 90 days", "age_over-90": "more than 90 days",
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
    "trc_usivak": "Ušivak", "trc_blazuj": "Blažuj", "trc_lipa": "Lipa", "trc_borici": "Borići",
    "iom_office": "IOM office", "four_eyes": "another person must do this", "not_permitted": "not your part",
    "list_waits": "waits for a second person", "list_counts": "counts", "list_replaced": "another took its place", "list_dropped": "dropped",
    "batch_made": "waits for a second signature", "batch_approved": "approved, not taken yet", "batch_sent": "taken to the bank", "batch_settled": "the bank answered for all of it", "batch_dropped": "dropped",
    "attempt_released": "waits for the bank", "attempt_paid": "paid", "attempt_failed": "failed", "attempt_reversed": "came back",
    "never_sent": "the bank never had it", "bank": "at a bank", "cash_box": "a cash box", "returnee": "a returnee", "vendor": "a business", "office": "a receiving office", "registered": "waits for a second person",
    "bank_changed": "another bank", "contact_changed": "another contact", "account_closed": "the account was closed", "not_confirmed_by_payee": "the payee did not confirm it",
    "another_birth_date": "another date of birth", "another_country": "another country", "another_kind": "another kind of payee", "alike_by_chance": "alike by chance",
    "exact": "the same name", "near": "nearly the same name", "blocked": "blocked for good", "family": "one family", "same_business": "the same business", "account_of_an_office": "an account of an office", "out_of_business": "the business has ended", "details_wrong": "it was recorded wrongly", "misused": "it was misused",
    "in_kind_vendor": "in kind, by a vendor", "in_kind_goods": "in kind, goods", "cash_instalment": "cash instalment", "cash_for_work": "cash for work",
    "training": "vocational training", "documentation": "documents of the person", "estimate": "estimate of a clinic",
    "stock": "goods to sell", "equipment": "tools and machines", "food_and_clothing": "food and clothes",
    "tuition": "fees of a school or course", "certified": "needed", "need_not_shown": "the need is not shown",
    "papers_not_sufficient": "the papers are not enough", "price_not_shown": "the price is not shown",
    "other_treatment_fits": "something else fits better",
    "justification": "reasons why there are not three quotations",
    "application/pdf": "PDF", "image/jpeg": "JPEG", "image/png": "PNG",
    "vouchers_asked": "asked for, not drawn yet", "vouchers_drawn": "drawn, not open", "vouchers_offered": "waits for a second person", "vouchers_released": "opened", "vouchers_withdrawn": "ended before its time",
    "finding_not_explained": "nobody has explained it", "finding_explained": "explained, waits for a second person", "finding_accepted": "explained and accepted", "finding_rejected": "the explanation was not accepted", "finding_found_again": "found again since it was explained",
    "cause_database_restored": "a database was put back to an earlier time", "cause_changed_by_hand": "somebody who runs the system changed it by mistake", "cause_software_fault": "a fault of the program",
    "cause_checkpointer_restored": "the checkpointer was put back to an earlier time", "cause_key_changed_late": "a key was changed, and the archive learnt it late", "cause_exercise": "it was an exercise", "cause_attack_reported": "somebody attacked the system, and it was reported", "cause_not_found_out": "it could not be found out",
    "cause_not_shown": "what is said is not shown", "incident_unknown": "there is no such incident", "more_to_find_out": "more has to be found out",
    "yes": "Yes", "no": "No", "laissez_passer": "laissez-passer", "trc": "reception centre",
    "cleared_to_board": "cleared to board", "not_coming": "not coming", "ready_to_travel": "ready to travel",
    "none": "none", "legal_information": "legal information", "virtual_country_of_origin": "online, with the office abroad",
    "virtual_other": "online, otherwise", "intention_expressed": "wishes to return", "no_return_wish": "does not wish to return",
    "information_only": "information only", "stopped_by_migrant": "the person ended it", "not_stated": "not stated",
    "approval_missing": "Approval by a colleague", "data_consent_missing": "Consent to data processing",
    "individual_session_missing": "Heard in an individual session", "voluntariness_not_assessed": "Wish free, informed, and of somebody who can decide",
    "session_alone_missing": "Heard alone in a session of their own",
    "not_heard_alone": "Assessed alone, no relative or resident interpreting",
    "consequences_not_explained": "Ways to stay and legal consequences explained",
    "fear_of_return_open": "Asked about fear of return, and none", "vulnerability_not_screened": "Vulnerability screened",
    "protection_alert_open": "No open alert", "trafficking_risk_open": "Risk of trafficking acceptable",
    "best_interests_open": "Best interests of the child found, everybody agrees",
    "screening_not_settled": "What screening asks for settled",
    "uasc": "unaccompanied or separated child", "unaccompanied": "unaccompanied", "vot_presumed": "presumed victim of trafficking",
    "vot_identified": "identified victim of trafficking", "gbv": "survivor of gender-based violence", "lgbtqi": "LGBTQI+",
    "pregnant_lactating": "pregnant or breastfeeding", "single_parent": "alone with children",
    "several_indicators": "several indicators together", "not_free": "is pressed to go", "not_informed": "is not informed",
    "not_capable": "may not be able to decide", "fears_return": "fears to return",
    "trafficking_unacceptable": "the risk of trafficking is not acceptable",
    "best_interests_remain": "the child is to remain", "family_not_ready": "the family is not ready to receive",
    "left_uncleared": "left without clearance", "professional": "a professional interpreter",
    "alone": "nobody else", "relative": "another relative", "lawyer": "a lawyer", "social_worker": "a social worker",
    "learnt_since": "it was learnt since", "resident": "another resident of the centre", "too_young": "too young to be heard", "others": "others",
    "assessment": "an assessment by whoever counsels (BIA)", "determination": "a determination by a panel (BID)",
    "pending": "opened, not decided yet", "return": "return is best", "remain": "the child is to remain here",
    "no_risk_found": "no risk was found", "support_arranged": "support is arranged",
    "declaration_missing": "Signed declaration", "own_plan_missing": "Own reintegration plan",
    "child_without_guardian": "Adult of the case beside each child, or supervision from door to door",
    "other_parent_open": "Consent of the parent who does not travel, a paper on custody, or protection's decision",
    "other_parent": "travel without one of the parents", "consent_signed": "the other parent's consent, signed here",
    "consent_notarised": "the other parent's consent, before a notary",
    "consent_at_consulate": "the other parent's consent, given at a consulate abroad",
    "consent_at_receiving_office": "the other parent's consent, recorded by the receiving office",
    "custody_decision": "a court's decision on custody", "sole_custody": "a paper that says one parent has sole custody",
    "death_certificate": "the other parent's death certificate", "protection_decision": "a decision of protection",
    "consent_withdrawn": "the consent was withdrawn", "paper_contested": "the paper is contested",
    "decision_withdrawn": "protection took its decision back",
    "not_both_parents": "the adults who go along are not both of its parents",
    "family_assessment": "family assessment by the office abroad", "not_enough": "not enough", "not_known": "not known",
    "supervision": "supervision from door to door", "mission_escort": "somebody of the mission goes along",
    "relative_escort": "a relative goes along", "airline_service": "the airline looks after the child",
    "by_guardian": "handed over by the guardian", "by_guardianship_service": "handed over by the guardianship service",
    "to_parent": "received by a parent", "to_relative": "received by a relative", "to_guardian": "received by a guardian",
    "to_child_protection_service": "received by a child protection service",
    "booking_missing": "Booking for exactly those who travel",
    "booking_in_the_past": "Booked departure lies ahead", "document_missing": "Travel document",
    "document_expires_before_arrival": "Travel document valid on arrival",
    "transit_visa_missing": "Visa for the country between", "exit_formalities_missing": "Exit formalities recorded",
    "fitness_not_decided": "Decision that the person is fit to travel", "assistance_not_booked": "Help on the way booked",
    "health_not_settled": "What health asks of the journey settled",
    "reception_not_arranged": "Reception arranged, receiving office notified",
    "fitness_asked": "a decision on fitness to travel is asked for", "fitness": "fitness to travel",
    "exit_formalities": "exit formalities", "transit_visa": "transit visa", "fit": "fit to travel",
    "fit_with_conditions": "fit to travel, with conditions", "unfit": "not fit to travel",
    "escort": "somebody who goes along", "wheelchair": "a wheelchair",
    "voluntariness_not_fresh": "Last confirmation within 24 hours before departure",
    "hold_stands": "No hold stands", "transit": "stopped on the way",
    "unfounded": "it was not so", "dealt_with_elsewhere": "others deal with it", "resolved": "it is resolved",
    "help_at_airport": "help at the airport", "handover_in_person": "handover in person",
    "onward_transport": "onward transport", "first_nights": "a place for the first nights",
    "account_unknown": "there is no such account", "name_mismatch": "the name is not the account's",
    "limit_exceeded": "more than may be paid at once", "not_collected": "nobody collected it", "not_sent": "it was not sent", "not_answered": "the bank never answered",
    "as_agreed": "as agreed", "nothing_found": "nothing was there", "in_person": "in person",
    "phone": "by phone", "passport": "passport",
    "identity_card": "identity card", "other_with_photo": "another paper with a photo", "thumbprint": "thumbprint",
    "invoice": "invoice",
    "bank_file": "by the mission's bank", "office_account": "from the account of the office",
    "returned_by_bank": "the bank sent it back", "unclaimed_cash": "cash that nobody collected",
    "failed": "failed", "reversed": "came back",
    "known_by": "how you know it", "re_migrated": "migrated again", "data": "data processing",
    "transfer": "transfer to the office abroad", "transfer_to_consulate": "transfer to the consulate",
    "media": "photos and stories", "witnessed_verbal": "spoken before a witness", "completed": "completed", "in progress": "in progress",
    "not started": "not started", "cannot start yet": "cannot start yet", "not needed": "not needed", "intention": "wish to return",
    "under_way": "before departure", "left": "after departure",
    "lapsed": "ended, contact lost", "joined": "joined with another case", "messaging": "messages", "misspelt": "it was spelt wrongly",
    "misunderstood": "it was misunderstood", "document_seen": "a document was seen", "changed_since": "it has changed since",
    "born": "born into it", "united": "came to the others", "left_out_before": "was left out before",
    "guardian_appointed": "was made a guardian", "guardian_ended": "is not a guardian any more",
    "grown_up": "has grown up", "person_asked": "the person asked for it", "retention_over": "the time for keeping it is over",
    "unlawfully_kept": "it was kept against the law", "not_asked_by_the_person": "the person did not ask for it",
    "duty_to_keep": "the law wants it kept", "claim_under_way": "a claim is under way", "asked_by_mistake": "asked for by mistake",
    "un_operational_rate": "UN operational rate", "mistyped": "it was typed wrongly", "source_corrected": "the source corrected it",
    "wrong_source": "it came from another source", "wrong_currency": "it is of another currency",
    "wrong_base": "it is of another base", "wrong_day": "it counts from another day", "not_published": "nobody published it", "paying_bank": "the bank that pays",
    "donor_adds": "the donor adds to it", "donor_reduces": "the donor reduces it", "extended": "it is valid for longer",
    "shortened": "it is valid for a shorter time", "project_ended": "the project ended", "donor_withdrew": "the donor withdrew",
    "spent_out": "it is spent out", "payment_came_late": "a payment of it became known later", "audit_finding": "an audit found something",
    "under_review": "it is being looked into", "overpaid": "too much was paid", "paid_in_error": "it was paid by mistake",
    "grant_suspended": "the grant was suspended", "recovery_open": "money of the grant was asked back", "payee_closed": "the payee was closed",
    "payee_blocked": "a list of sanctions means the payee", "payee_erased": "the person was erased", "screening_hit": "a list of sanctions may mean the payee",
    "account_of_staff": "the account is one of staff", "payee_not_confirmed": "nobody had confirmed the account", "payee_on_hold": "the account was changed",
    "not_screened": "the payee was not held against the newest lists", "account_shared": "another payee has the account as well", "account_changed": "another account was confirmed by then",
    "rounding": "amounts were rounded", "bank_charge": "a charge of the bank", "unspent": "it was not spent", "not_accounted_for": "no paper accounts for it",
    "used_otherwise": "it was used for something else", "recovered": "came back", "all_other": "all others", "not_kept": "not kept any more", "write_off_asked": "asked to write off",
    "recovery_proposed": "said to be given back", "recovery_dropped": "not counted as given back",
    "write_off_dropped": "not written off", "written_off": "written off", "unreachable": "nobody could be reached",
    "not_worth_it": "asking for it costs more than it is", "hardship": "it cannot be paid back", "error": "it was asked back by mistake",
    "shared": "shared with the office", "signed": "signed", "verbal": "by word of mouth", "needs_changed": "the needs changed",
    "price_changed": "the price changed", "provider_changed": "somebody else provides it", "persons_changed": "others belong to the case",
    "granted": "a grant was completed", "other_support": "supported otherwise", "not_told": "not told", "revised": "agreed anew",
    "gone": "not in this version", "immediate": "at once", "legal_services": "legal help", "mental_health_care": "care for mental health",
    "security_measures": "measures for safety",
    "financial": "financial support", "medical_aid": "a medical aid",
    "care_of_children": "care of children", "need_met": "the need was met", "referred": "referred to others",
    "held_in_person": "in person", "held_remotely": "by phone or online", "not_held": "there was none", "person_not_reached": "the person was not reached",
    "provided_by_others": "others provide it", "supports": "times given",
    "over": "what it was for is over", "placed_by_mistake": "it was placed by mistake", "recorded_by_mistake": "it was recorded by mistake",
    "national_id": "national identity card", "other_document": "another document", "tertiary": "university or college",
    "vocational": "vocational training", "registered_intention_asylum": "has registered the intention to ask for asylum",
    "iom_country_mission": "this mission", "public": "the public", "travel_document": "a travel document",
    "baseline": "first round", "midline": "middle round", "endline": "last round", "video": "by video",
    "wrong_question": "it was an answer to another question", "differs": "it is otherwise than was confirmed",
    "beneficiary_unreachable": "the returnee was not reached", "composite": "all together", "help": "the help",
    "asylum_seeker": "has asked for asylum", "subsidiary": "subsidiary protection", "residence": "residence permit",
}  # fmt: skip

# The languages that are spoken in the centres and by staff, the most frequent first (ISO 639-3).
LANGUAGES: Final[Mapping[str, str]] = {
    "eng": "English", "ara": "Arabic", "prs": "Dari", "pes": "Farsi", "pus": "Pashto", "urd": "Urdu", "fra": "French",
    "tur": "Turkish", "ben": "Bengali", "ckb": "Central Kurdish (Sorani)", "kmr": "Northern Kurdish (Kurmanji)",
    "hin": "Hindi", "pan": "Punjabi", "mal": "Malayalam", "nep": "Nepali", "rus": "Russian", "som": "Somali",
    "spa": "Spanish", "bos": "Bosnian", "hrv": "Croatian", "srp": "Serbian",
}  # fmt: skip

FAULTS: Final[Mapping[str, str]] = {
    "missing": "Answer this.",
    "unreadable": "This cannot be read. Look at the example.",
    "not_offered": "Choose one of what is offered.",
    "out_of_range": "This number is too small or too large.",
    "in_two_ways": "This can be read in two ways. Write it without the point or comma, or with more or fewer than three digits behind it: 15500, 15.50 or 15.5000.",
    "comes_twice": "The clocks go back in this night and this time comes twice. Write behind it how far ahead of UTC they are: 02:30 +02:00 before they go back, 02:30 +01:00 after it.",
    "comes_never": "The clocks do not show this time on this day: in one night they go forward over an hour.",
    "other_clock": "Clocks at the mission are not that far ahead of UTC at this time. Leave out what stands behind the time.",
    "no_file": "Choose the file.",
}

# Refusals of the portal's own, and those of a service whose sentence says too little to whoever stands before a page.
REFUSALS: Final[Mapping[str, str]] = {
    "file_too_large": (
        "The file is larger than 10 MB. Photograph it with a lower resolution, or send the pages that matter as a PDF."
    ),
    "bank_file_too_large": "The file is larger than 10 MB. Ask the bank for several, of fewer days each.",
    "staff_list_too_large": "The file is larger than 1 MB, and nothing of it was read. Leave out the columns that are not asked for.",
    "sanctions_list_too_large": "The file is larger than 20 MB, and nothing of it was read. Leave out the columns that are not asked for.",
    "survey_too_large": "The file is larger than 500 KB, and nothing of it was read. A survey is far shorter: look whether it is the right file.",
    "file_type_differs": (
        "The name of the file ends like that of another kind of file than it is. Save it anew as PDF, JPEG or PNG, or "
        "take a new photo, and choose that."
    ),
    "too_many_uploads": "Several files are being sent at this moment. Choose the file again and send it in a minute.",
    "upload_under_way": "Another file of yours is still being sent. Choose this one again when that one is there.",
    "something_missing": "A name or a version is missing. Say it, choose the file again and send it once more.",
    "form_unreadable": "What came is not whole. Choose the file again and send it once more.",
}

LABELS: Final[Mapping[str, str]] = {
    "explanation": "what it is", "cause": "how it came about", "incident": "number of the incident, such as INC-2026-14", "file_kind": "what the file is", "attempt_id": "id of the attempt to pay", "event_id": "lost payment", "without_statements": "the statements that are still missing cannot be had from the bank",
    "confirmed": "It is right, although it is less than half or more than twice what counts beside it",
    "categories": "data that it covers; nothing means the usual",
    "witness_id": "id of the colleague who heard a spoken consent",
    "given_by": "who agreed for the child",
    "ground": "why the person is to be erased",
    "held_at": "when it was held", "scheduled_for": "when it will be held", "person_id": "person",
    "person_ids": "persons", "given_at": "when it was given", "assessed_at": "when it was assessed", "asked_at": "when it was asked", "noted_at": "when it was noted",
    "established_at": "when it was established", "answered_by": "who answered", "free": "nobody presses the person to go",
    "informed": "the person knows what they decide on", "capable": "the person is able to decide",
    "company": "who else was in the room, beside whoever interpreted",
    "present": "who else was present, beside whoever interpreted",
    "interpreter_kind": "who interpreted, if somebody did",
    "child_heard": "of a child: whether it was heard", "fears_return": "the person fears to return",
    "indicators": "what makes the person vulnerable; nothing chosen means nothing", "risk": "risk of the return",
    "procedure": "procedure", "agreed": "who agrees with the return; of the family, that it is ready to receive the child",
    "guardian_id": "id of the guardian, as registered", "travels_with": "who goes along with the child",
    "settled_by": "by what the child travels without one of its parents",
    "settled_on": "day of the consent, the paper or the decision", "not_settled": "why it is not settled",
    "handed_over_by": "who hands the child over here", "received_by": "who receives the child there",
    "family_found": "the family was found", "ready_to_receive": "the family is ready to receive the child",
    "family_agrees": "the family agrees that the mission is told this", "livelihood": "what the family lives on",
    "assessed_on": "day on which the family was assessed", "school": "school for the child",
    "alert_id": "alert", "into_case_id": "case in which they go on",
    "signed_at": "when it was signed", "signed_by": "signed by", "departs_at": "departure", "arrives_at": "arrival",
    "departed_at": "when they departed", "arrived_at": "when the person arrived", "confirmed_at": "when it was confirmed",
    "interrupted_at": "when the journey was interrupted", "hold_id": "hold",
    "tried_at": "when it was tried", "fund_id": "fund", "plan_line_id": "line of the plan", "money": "amount",
    "booking": "which booking of the case, counted from 1", "refunded": "what the carrier gave back of it",
    "number": "number of the tranche", "text_version": "version of the consent text", "known_by": "how you know it",
    "destination_country": "destination", "recipient_country": "country of the office", "session_id": "session",
    "principal_id": "principal", "paid_on": "day of payment", "session_type": "kind of session",
    "evidence_kind": "kind of paper", "tranche": "what it is for", "file": "file",
    "planned": "planned amount", "activity": "what is done", "referral": "referral under which it is given (a code)",
    "begins_on": "first day", "ends_on": "last day", "feasibility": "whether it can work, and why", "objectives": "what it is for",
    "otherwise": "what came of lines for which no grant was completed",
    "line_id": "line", "birth_year_within": "years before and after",
    "alternatives_explained": "ways to stay, asylum among them, were explained",
    "legal_consequences_explained": "what leaving means in law, such as an expulsion measure or an entry ban, was explained",
    "municipality": "municipality (a code)",
    "location": "place (a code, never an address)", "agreed_on": "day of the agreement",
    "family_name": "family name, in Latin letters", "given_names": "given names, in Latin letters",
    "family_name_own_script": "family name, in the person's own script",
    "given_names_own_script": "given names, in the person's own script",
    "birth_date": "date of birth, as exact as it is known: 1961, 1961-05 or 1961-05-02",
    "stateless": "the person has no nationality", "contacts": "ways to reach the person", "contact": "number or address",
    "safe": "it can be used without danger to anybody", "languages": "languages that the person prefers",
    "preferred": "the person prefers it to the others", "documents": "documents that say who the person is",
    "document_type": "kind of document", "document_number": "number of the document",
    "issuing_country": "country that issued it", "expires_on": "day on which it expires, if it says so",
    "education": "highest schooling that was completed", "skills": "what the person can do", "skill": "skill",
    "guardian_of": "guardian of these children", "relation": "relation to the principal",
    "emptied": "what was recorded by mistake and is to be emptied", "host_status": "how the person stays in this country",
    "decided_at": "when it was decided", "recorded_at": "when it was recorded", "issued_at": "when it was issued",
    "arranged_at": "when it was arranged", "valid_from": "valid from",
    "outcome": "outcome", "conditions": "on these conditions", "assistance": "help to be provided on the way",
    "transit_country": "country in which they change, if they do",
    "transit_visa_needed": "a visa is needed for the country in which they change",
    "withdrawn_at": "when they withdrew, if a departure is recorded already",
    "of": "what was recorded wrongly",
    "need": "what is needed", "needed_from": "needed from", "needed_until": "needed until, if it is known",
    "given_from": "first day on which it was given", "given_until": "last day on which it was given",
    "cost": "what it cost the mission; zero if nothing", "budget_line": "line of the budget", "support_id": "support",
    "holder_id": "id of the colleague who may approve, such as staff:finance-approver", "deputy_id": "id of the colleague who stands in",
    "cap_per_person": "most that a person is granted in twelve months", "cap_per_family": "most that a family is granted in twelve months",
    "one_approver_up_to": "one person approves up to", "two_approvers_up_to": "two approve up to; above it the chief of mission as well",
    "budget_lines": "what the money is for", "what": "for what", "own_contribution": "what the person brings beside the grant",
    "received": "what was received of it, if it is less than was paid", "difference_reason": "why less was received, if it is less", "short_reason": "why the bank booked less than was ordered, if it did",
    "visited_on": "day of the visit", "finding": "what you found", "handed_over_on": "day on which the cash was handed over",
    "identity_document": "by which paper you knew who took it", "next_tranche_needs": "what the next tranche waits for", "reconciling_needs": "what a reconciliation waits for",
    "payee_id": "who is paid", "payee_kind": "kind of payee", "account_kind": "at a bank, or a cash box", "own_account_id": "from our account", "execution_on": "day on which the bank pays", "attempts": "payments", "expected_count": "how many payments, counted by you", "expected_sums": "sum of each currency, added up by you", "holder": "name as the bank knows it", "iban": "IBAN", "account_number": "number of the account, where there is no IBAN",
    "bank_code": "code of the bank (BIC)", "bank_name": "name of the bank", "bank_country": "country of the bank", "bank_town": "town of the bank", "town": "town of the payee", "vendor_code": "code of the vendor, as in quotations",
    "statements": "what the portal of the bank shows of each statement", "closing": "closing balance", "line_count": "number of lines", "file_sha256": "SHA-256 of the file, as you took it from the bank yourself",
    "call_back_contact": "how to call the payee back", "called_at": "when you called", "unreachable": "nobody is there any more under the contact of before", "account_no": "number of the account that waits",
    "quotations": "quotations that were compared", "vendor": "vendor (a code)", "chosen": "this one is chosen",
    "evidence_id": "paper that it stands in", "price_from": "costs at least", "price_to": "costs at most",
    "quotations_above": "three quotations above", "own_contribution_percent": "least contribution of their own, in percent",
    "required_papers": "papers required",
    "up_to": "up to which amount of one grant", "granted": "granted in all", "month": "month, such as 2023-05",
    "countries": "countries that it pays for; none chosen means all", "grant_categories": "what it pays for; nothing chosen means everything",
    "programmes": "programmes that it pays for; none chosen means all",
    "base": "one unit of which", "effective_on": "day from which it counts", "rate": "units of the currency for one unit of the base, such as 1.95583",
    "provider": "organisation that gave it (a code)", "final_meeting": "last meeting", "met_on": "day of the meeting, if there was one",
    "contributed_to": "what the support contributed to", "plan_outcome": "what came of the plan",
    "partner_feedback": "what the partner says", "follow_up": "survey on reintegration, or why there is none",
    "consented": "the person agrees to be asked today", "interviewed_on": "day of the interview", "asked_on": "day on which they were asked",
    "instrument": "survey (its code)", "instrument_version": "version of the survey", "scheme": "way to count (its code)",
    "from_month": "first month after the arrival; nothing means the example's", "to_month": "last month after the arrival; nothing means the example's",
    "from_day": "first day", "to_day": "last day", "size": "how many are drawn", "seed": "your seed: 16 to 64 digits from 0 to 9 and a to f, of your own making",
    "checked_on": "day on which you looked", "mode": "how",
    "list_name": "name of the list (a code, such as UN)", "list_version": "version (a code, such as 2026-11)",
    "valid_until": "valid until", "flight": "flight of the last leg, such as TK1026", "needs": "what is needed on arrival",
}  # fmt: skip


@cache
def currencies() -> Mapping[str, str]:
    """The name of every currency that somebody can be paid in by its code (ISO 4217), in the order of the codes."""
    names = Locale("en").currencies
    return {code: str(names.get(code, code)) for code in sorted(CODES)}


@cache
def countries() -> Mapping[str, str]:
    """Every assigned country's name by its code (ISO 3166-1 alpha-2), in the order of the names."""
    names = Locale("en").territories
    return dict(sorted(((code, str(names.get(code, code))) for code in ALPHA_2), key=lambda known: known[1]))


def word(code: object) -> str:
    """A code as people read it."""
    text = str(code)
    if text in WORDS:
        return translated(WORDS[text])
    return countries().get(text) or text.replace("_", " ")


def log_name(log: str) -> str:
    """Whose log an archived event is of, and whether it was lost there or never signed."""
    name, _dot, apart = log.partition(".")
    why = "never_signed" if apart.startswith("t") else "lost_in_a_restore"
    return f"{word(name)} ({word(why)})" if apart else word(name)


def label(key: str) -> str:
    """The name of a field as people read it, with its first letter large."""
    text = translated(LABELS[key]) if key in LABELS else key.replace("_", " ")
    return text[:1].upper() + text[1:]


def event(kind: str) -> str:
    """What an event says, out of its type: ``avrr.returns.case.booking_confirmed.v1`` is "Booking confirmed"."""
    name = kind.split(".")[-2] if kind.count(".") > 1 else kind
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def language(code: str) -> str:
    """A language's name; the code (ISO 639-3) where it is none of those that are chosen from."""
    return translated(LANGUAGES[code]) if code in LANGUAGES else code
