-- As `erasure_of_hashes_1.sql`, for whoever takes back what replaced it.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_hashes() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    theirs uuid[] := ARRAY(
        SELECT a.attempt_id FROM payment_attempts a JOIN payees p ON p.id = a.payee_id
        WHERE p.person_id = NEW.id AND a.attempt_id IS NOT NULL
    );
    hashes bytea[];
    went_there uuid[];
BEGIN
    WITH gone AS (DELETE FROM attempt_accounts t WHERE t.attempt_id = ANY (theirs) RETURNING t.token)
    SELECT array_agg(DISTINCT found.token) INTO hashes FROM (
        SELECT g.token FROM gone g UNION ALL SELECT t.token FROM payee_tokens t WHERE t.person_id = NEW.id
    ) found;
    went_there := ARRAY(
        SELECT DISTINCT s.line_id FROM bank_line_accounts s WHERE s.token = ANY (hashes)
        EXCEPT SELECT s.line_id FROM bank_line_accounts s JOIN payee_tokens o ON o.token = s.token AND o.person_id IS DISTINCT FROM NEW.id
        EXCEPT SELECT s.line_id FROM bank_line_accounts s JOIN attempt_accounts o ON o.token = s.token
    );
    UPDATE bank_lines l SET other_payee = true
        WHERE l.id = ANY (went_there) AND l.state = 'unconfirmed' AND l.attempt_id <> ALL (theirs)
        AND EXISTS (SELECT FROM attempt_accounts o WHERE o.attempt_id = l.attempt_id);
    DELETE FROM bank_line_accounts s WHERE s.line_id = ANY (went_there);
    RETURN NEW;
END
$$;
