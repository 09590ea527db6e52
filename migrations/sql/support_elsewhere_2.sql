-- What a person's other grants of the last twelve months come to, in whatever country they are: the cap is one for all.
-- A draft is nothing that anybody has asked for yet.
-- Its owner sees all rows; whoever calls it learns a sum and nothing else.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION support_elsewhere(p_person uuid, p_grant uuid, p_now timestamptz) RETURNS numeric
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT coalesce(sum(CASE g.status WHEN 'cancelled' THEN g.paid ELSE g.amount END), 0)
    FROM grants g
    WHERE g.person_id = p_person AND g.id <> p_grant AND g.status NOT IN ('draft', 'rejected')
        AND g.requested_at > p_now - interval '12 months'
$$;
