-- As `hashes_met_1.sql`, for whoever takes back what replaced it.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION note_hashes_met() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7044, n.lock) FROM (
        SELECT DISTINCT mod(hashtext(encode(e.token, 'hex')), 64) AS lock FROM entered e ORDER BY 1
    ) n;
    UPDATE payee_tokens t SET met = true
        WHERE NOT t.met AND t.token IN (SELECT e.token FROM entered e)
        AND (EXISTS (SELECT FROM payee_tokens o WHERE o.token = t.token AND o.payee_id <> t.payee_id)
            OR EXISTS (SELECT FROM staff_accounts a WHERE a.token = t.token));
    RETURN NULL;
END
$$;
