-- After hashes of accounts came to be, of payees or of staff: which of the payees' somebody else has, or has had, as well. It is
-- never taken back, so that it says only where to look. Whoever enters the same hash at the same moment waits, so that the later
-- one sees the earlier; hashes share 64 locks, so that a list of staff's needs no more.
-- Written once and never edited afterwards.
CREATE FUNCTION note_hashes_met() RETURNS trigger
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
