-- Before an attempt to pay changes: it goes on from released to paid or failed, and from paid to reversed, and nothing of what it
-- was stays otherwise than it stood, nor whom it is paid to and how, nor which line of the bank's paid it and what that has otherwise. A paid one is reversed, never edited.
-- One that two persons had ended as never answered is paid by a line of the bank's all the same, and keeps who had ended it.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION attempt_goes_on() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (('released', 'paid'), ('released', 'failed'), ('paid', 'reversed'), ('failed', 'paid'))
        OR OLD.status = 'failed' AND (
            OLD.reason IS DISTINCT FROM 'not_answered' OR NEW.paid_line IS NULL
            OR (NEW.ended_early_by, NEW.ended_early_asked_by, NEW.ended_early_at) IS DISTINCT FROM (OLD.ended_by, OLD.end_asked_by, OLD.ended_at)
        )
        OR OLD.status <> 'failed' AND (NEW.ended_early_by, NEW.ended_early_asked_by, NEW.ended_early_at)
            IS DISTINCT FROM (OLD.ended_early_by, OLD.ended_early_asked_by, OLD.ended_early_at)
        OR (
            NEW.grant_id, NEW.tranche, NEW.attempt_no, NEW.attempt_id, NEW.destination_country, NEW.fund_id, NEW.amount,
            NEW.currency, NEW.amount_in_fund, NEW.fund_currency, NEW.released_by, NEW.released_at,
            NEW.payee_id, NEW.account_no, NEW.method
        ) IS DISTINCT FROM (
            OLD.grant_id, OLD.tranche, OLD.attempt_no, OLD.attempt_id, OLD.destination_country, OLD.fund_id, OLD.amount,
            OLD.currency, OLD.amount_in_fund, OLD.fund_currency, OLD.released_by, OLD.released_at,
            OLD.payee_id, OLD.account_no, OLD.method
        )
        OR OLD.status = 'paid' AND (
            NEW.reference, NEW.paid_on, NEW.paid_month, NEW.confirmed_by, NEW.confirmed_at, NEW.paid_line, NEW.bank_charges, NEW.charges_currency, NEW.booked_short
        ) IS DISTINCT FROM (
            OLD.reference, OLD.paid_on, OLD.paid_month, OLD.confirmed_by, OLD.confirmed_at, OLD.paid_line, OLD.bank_charges, OLD.charges_currency, OLD.booked_short
        )
    THEN
        RAISE EXCEPTION 'an attempt to pay is never edited' USING ERRCODE = '23514', CONSTRAINT = 'attempt_is_never_edited';
    END IF;
    RETURN NEW;
END
$$;
