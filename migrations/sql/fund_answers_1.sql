-- What is asked for a fund is answered once, confirmed or dropped, and something else is asked only after that: so what is
-- confirmed is always the newest that was asked, and nothing that somebody declined. Who answers holds the row of what was
-- asked, so that two answers come one after the other.
-- Written once and never edited afterwards.
CREATE FUNCTION ask_for_a_fund_when_nothing_waits() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.change_no <> 1 + coalesce((SELECT max(c.change_no) FROM fund_changes c WHERE c.fund_id = NEW.fund_id), 0)
        OR EXISTS (
            SELECT FROM fund_changes c WHERE c.fund_id = NEW.fund_id
            AND NOT EXISTS (SELECT FROM fund_confirmations a WHERE (a.fund_id, a.change_no) = (c.fund_id, c.change_no))
            AND NOT EXISTS (SELECT FROM fund_drops d WHERE (d.fund_id, d.change_no) = (c.fund_id, c.change_no))
        )
    THEN
        RAISE EXCEPTION 'what was asked for this fund before waits for an answer'
            USING ERRCODE = '23514', CONSTRAINT = 'fund_asked_when_nothing_waits';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION answer_for_a_fund_once() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM fund_changes c WHERE (c.fund_id, c.change_no) = (NEW.fund_id, NEW.change_no) FOR UPDATE;
    IF EXISTS (SELECT FROM fund_confirmations a WHERE (a.fund_id, a.change_no) = (NEW.fund_id, NEW.change_no))
        OR EXISTS (SELECT FROM fund_drops d WHERE (d.fund_id, d.change_no) = (NEW.fund_id, NEW.change_no))
    THEN
        RAISE EXCEPTION 'this was confirmed or dropped already'
            USING ERRCODE = '23514', CONSTRAINT = 'fund_change_answered_once';
    END IF;
    RETURN NEW;
END
$$;
