-- As `hashes_met_1.sql`: the turns of hashes are 64 (a remainder is negative for half of them, so that there were 127), and
-- whoever enters many takes all of them beforehand, before any row.
-- Written once and never edited afterwards.
CREATE FUNCTION await_hashes(tokens bytea[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7044, n.turn) FROM (
        SELECT DISTINCT hashtext(encode(t.token, 'hex')) & 63 AS turn FROM unnest(tokens) t(token) ORDER BY 1
    ) n;
END
$$;

CREATE OR REPLACE FUNCTION note_hashes_met() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM await_hashes(ARRAY(SELECT e.token FROM entered e));
    UPDATE payee_tokens t SET met = true
        WHERE NOT t.met AND t.token IN (SELECT e.token FROM entered e)
        AND (EXISTS (SELECT FROM payee_tokens o WHERE o.token = t.token AND o.payee_id <> t.payee_id)
            OR EXISTS (SELECT FROM staff_accounts a WHERE a.token = t.token));
    RETURN NULL;
END
$$;
