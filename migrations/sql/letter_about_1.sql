-- Whether an event of a source waits as a dead letter that is of one of these ids or names one, as a search of a log has it.
-- The bytes of an id are looked for before a leaf is taken apart, which takes far longer.
-- Its owner sees all rows; whoever calls it learns yes or no and nothing else.
-- Written once and never edited afterwards.
CREATE FUNCTION letter_about(p_source text, p_about uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM dead_letter d
        WHERE d.source = p_source AND CASE
            WHEN d.partitionkey = ANY (p_about) THEN true
            WHEN EXISTS (SELECT FROM unnest(p_about) one WHERE position(convert_to(one::text, 'UTF8') IN d.leaf) > 0)
                THEN EXISTS (SELECT FROM leaf_ids(d.leaf) named WHERE named = ANY (p_about))
            ELSE false
        END
    )
$$;
