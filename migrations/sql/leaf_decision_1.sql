-- Who took a decision and when, as the leaf of its event says it under these names, and on which tranche: 0 for the whole grant.
-- Nothing of a leaf that cannot be read. Written once by a revision of reintegration and never edited afterwards.

CREATE FUNCTION leaf_decision(
    leaf bytea, by_name text, at_name text, OUT decided_by text, OUT decided_at timestamptz, OUT tranche integer
) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
DECLARE
    said json;
BEGIN
    said := convert_from(leaf, 'UTF8')::json -> 'data';
    decided_by := said ->> by_name;
    decided_at := (said ->> at_name)::timestamptz;
    tranche := coalesce((said ->> 'number')::integer, 0);
    RETURN NEXT;
EXCEPTION WHEN data_exception THEN
    RETURN;
END
$$;

REVOKE ALL ON FUNCTION leaf_decision(bytea, text, text) FROM PUBLIC;
