-- As in `erasure_of_sealed_1.sql`; with what a grant was for goes what its budget was made up of and what medical staff certified.
-- Of a grant on which money was paid nothing that was concealed stays, but which papers are kept.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_what_it_was_for() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    -- In which plans somebody is, the log's own index of ids knows.
    plans_about uuid[] := ARRAY(
        SELECT p.id FROM plans p WHERE NEW.id = ANY (p.person_ids) AND p.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = NEW.id
        )
    );
BEGIN
    DELETE FROM disclosure d USING event_log e, grants g
        WHERE g.person_id = NEW.id AND e.subject = g.id AND d.event_id = e.id AND (g.paid = 0 OR d.path <> 'evidence_kind');
    DELETE FROM idempotency i USING grants g WHERE g.person_id = NEW.id AND i.resource_id = g.id;
    UPDATE grants g SET category = NULL, budget = NULL, certificate = NULL, evidence = CASE WHEN g.paid > 0 THEN g.evidence ELSE (
            SELECT coalesce(jsonb_agg(jsonb_set(filed.one - 'sealed', '{kind}', 'null') ORDER BY filed.place), '[]')
            FROM jsonb_array_elements(g.evidence) WITH ORDINALITY AS filed(one, place)
        ) END
        WHERE g.person_id = NEW.id;
    -- Whose need a line of a former version was, its event says.
    DELETE FROM disclosure d USING event_log e
        WHERE e.subject = ANY (plans_about) AND d.event_id = e.id
        AND convert_from(e.leaf, 'UTF8')::jsonb
            #>> string_to_array('data.' || regexp_replace(d.path, 'category$', 'person_id'), '.') = cast(NEW.id AS text);
    DELETE FROM idempotency i WHERE i.resource_id = ANY (plans_about);
    UPDATE plans p SET lines = (
            SELECT coalesce(jsonb_agg(
                CASE WHEN line.one ->> 'person_id' = cast(NEW.id AS text) THEN jsonb_set(line.one - 'sealed', '{category}', 'null')
                    ELSE line.one END
                ORDER BY line.place
            ), '[]')
            FROM jsonb_array_elements(p.lines) WITH ORDINALITY AS line(one, place)
        )
        WHERE p.id = ANY (plans_about);
    RETURN NULL;
END
$$;
