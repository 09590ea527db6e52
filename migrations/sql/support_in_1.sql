-- What grants of these persons within the last twelve months come to but for one grant, in whatever country they are, a sum
-- for each currency: a cap is one for all. Of a cancelled one what was paid; a draft is nothing that anybody asked for yet.
-- Its owner sees all rows; whoever calls it learns sums and nothing else.
-- Written once and never edited afterwards.
CREATE FUNCTION support_in(p_persons uuid[], p_grant uuid, p_now timestamptz) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT coalesce(json_agg(json_build_object('currency', s.currency, 'amount', s.amount::text) ORDER BY s.currency), '[]')
    FROM (
        SELECT g.currency, sum(CASE g.status WHEN 'cancelled' THEN g.paid ELSE g.amount END) AS amount
        FROM grants g
        WHERE g.person_id = ANY (p_persons) AND g.id <> p_grant AND g.status NOT IN ('draft', 'rejected')
            AND g.requested_at > p_now - interval '12 months'
        GROUP BY g.currency
    ) s
$$;
