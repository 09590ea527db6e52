-- After a person's row came to say that they are erased, and after `erase_person`, which takes the turn: which support on
-- the way they needed and were given, which may tell of health, goes in the same statement, from rows and from beside the
-- log. What of it the report counts is counted without the person, by the year of its first day.
-- The rows go first: whoever has one under lock and is about to record support is waited for, and what they concealed is
-- seen by the statement that follows; whoever comes later finds that there is nothing to give.
-- It belongs to the role that erases. Written once and never edited afterwards.
CREATE FUNCTION erase_support() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    cases_about uuid[] := ARRAY(
        SELECT DISTINCT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx
        WHERE m.about = NEW.id AND e.type = 'avrr.returns.case.support_planned.v1'
    );
BEGIN
    PERFORM FROM cases c WHERE c.id = ANY (cases_about) ORDER BY c.id FOR UPDATE;
    INSERT INTO supports_of_the_erased AS kept (year, kind, supports)
        SELECT cast(extract(year FROM s.given_from) AS integer), s.kind, count(*)
        FROM cases c CROSS JOIN LATERAL
            jsonb_to_recordset(c.supports) AS s(person_id uuid, kind text, status text, given_from date)
        WHERE c.id = ANY (cases_about) AND s.person_id = NEW.id AND s.status = 'given' AND s.kind IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (year, kind) DO UPDATE SET supports = kept.supports + excluded.supports;
    UPDATE cases c SET supports = (
            SELECT coalesce(jsonb_agg(
                CASE WHEN support.one ->> 'person_id' = cast(NEW.id AS text) THEN support.one
                    || '{"kind": null, "need": null, "provider": null, "budget_line": null, "outcome": null}'
                    ELSE support.one END
                ORDER BY support.place
            ), '[]')
            FROM jsonb_array_elements(c.supports) WITH ORDINALITY AS support(one, place)
        )
        WHERE c.id = ANY (cases_about);
    DELETE FROM disclosure d USING log_mentions m, event_log e
        WHERE m.about = NEW.id AND e.idx = m.idx AND d.event_id = e.id AND e.type IN (
            'avrr.returns.case.support_planned.v1', 'avrr.returns.case.support_given.v1',
            'avrr.returns.case.support_cancelled.v1'
        );
    DELETE FROM idempotency i WHERE i.resource_id = ANY (cases_about);
    RETURN NULL;
END
$$;
