-- As `erasure_of_support_1.sql`, of rows that keep sealed which support it was: what the report counts of it is counted by the
-- service, which opens it, in the same transaction, before it is gone.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_support() RETURNS trigger
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
    UPDATE cases c SET supports = (
            SELECT coalesce(jsonb_agg(
                CASE WHEN support.one ->> 'person_id' = cast(NEW.id AS text) THEN (support.one - 'sealed')
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
