-- Before each posting but the first: its month is not before the month of the grant's commitment. Whoever posts holds the
-- row of the grant, so that its first posting is there.
-- Written once and never edited afterwards.
CREATE FUNCTION post_after_the_commitment() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM fund_postings p WHERE p.grant_id = NEW.grant_id AND p.posting_no = 1 AND p.month <= NEW.month
    ) THEN
        RAISE EXCEPTION 'this month is before the commitment' USING ERRCODE = '23514', CONSTRAINT = 'posted_after_the_commitment';
    END IF;
    RETURN NEW;
END
$$;
