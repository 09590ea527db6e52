-- Before a line of the bank's changes, as before, and: what was in the bank's hands is kept once, as the line begins to count.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION bank_line_goes_on() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.state <> OLD.state AND (
            OLD.state = 'dropped'
            OR OLD.state = 'unconfirmed' AND NEW.state NOT IN ('unmatched', 'duplicate', 'accepted', 'dropped')
            OR OLD.state <> 'unconfirmed' AND NEW.state = 'unconfirmed'
            OR OLD.state <> 'unconfirmed' AND NEW.state = 'dropped' AND (
                OLD.state NOT IN ('unmatched', 'duplicate', 'accepted')
                OR NOT EXISTS (SELECT FROM bank_files f WHERE f.id = NEW.file_id AND f.revocation_asked_by IS NOT NULL)
            )
        )
        OR OLD.state <> 'unconfirmed' AND (NEW.duplicate_of, NEW.sent_batches) IS DISTINCT FROM (OLD.duplicate_of, OLD.sent_batches)
        OR NEW.settled_attempt IS NOT NULL AND OLD.settled_attempt IS NULL
            AND NOT EXISTS (SELECT FROM bank_files f WHERE f.id = NEW.file_id AND f.status = 'confirmed')
    THEN
        RAISE EXCEPTION 'a line counts once its file is confirmed' USING ERRCODE = '23514', CONSTRAINT = 'bank_line_counts_once_confirmed';
    END IF;
    RETURN NEW;
END
$$;
