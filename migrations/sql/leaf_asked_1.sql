-- What a leaf that asks for a grant asks for: its version, and the amount of one tranche or, for tranche 0, of the whole.
-- Nothing of a leaf that cannot be read. Written once by a revision of reintegration and never edited afterwards.

CREATE FUNCTION leaf_asked(leaf bytea, tranche integer, OUT request_version integer, OUT amount numeric, OUT currency text)
RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
DECLARE
    said json;
    part json;
BEGIN
    said := convert_from(leaf, 'UTF8')::json -> 'data';
    SELECT t.value INTO part FROM json_array_elements(said -> 'tranches') t WHERE (t.value ->> 'number')::integer = tranche;
    request_version := coalesce((said ->> 'request_version')::integer, 1);
    amount := (coalesce(part, said) -> 'money' ->> 'amount')::numeric;
    currency := said -> 'money' ->> 'currency';
    RETURN NEXT;
EXCEPTION WHEN data_exception THEN
    RETURN;
END
$$;

REVOKE ALL ON FUNCTION leaf_asked(bytea, integer) FROM PUBLIC;
