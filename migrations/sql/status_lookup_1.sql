-- Why the transaction's actor sees a case or does not: for the log of who asked, never for the answer.
-- Its owner sees all rows; whoever calls it learns an id and a reason and nothing else.
-- Written once and never edited afterwards.
CREATE FUNCTION status_lookup(p_case_ref text) RETURNS TABLE (reason text, case_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT
        CASE
            WHEN c.id IS NULL THEN 'unknown'
            WHEN (c.destination_country = ANY (string_to_array(current_setting('app.countries', true), ','))) IS NOT TRUE
                THEN 'other_country'
            WHEN c.approved_by IS NULL AND NOT EXISTS (SELECT FROM travels t WHERE t.case_id = c.id)
                THEN 'not_known_abroad'
            ELSE 'visible'
        END,
        c.id
    FROM (SELECT p_case_ref AS case_ref) asked LEFT JOIN cases c ON c.case_ref = asked.case_ref
$$;
