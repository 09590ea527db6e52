-- After a person's row came to say that they are erased, and after `erase_person`, which takes the turn: what their needs
-- and grants were for, which may tell of health, goes in the same statement, from rows and from beside the log. What of
-- it the report counts is counted without the person, by the mission's year of approval. Of papers that are kept because
-- money was paid it stays known what they are.
-- It belongs to the role that erases. Written once and never edited afterwards.
CREATE FUNCTION erase_what_it_was_for() RETURNS trigger
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
    INSERT INTO grants_of_the_erased AS kept (year, category, grants)
        SELECT cast(extract(year FROM g.approved_at AT TIME ZONE current_setting('app.mission_time_zone')) AS integer),
            g.category, count(*)
        FROM grants g
        WHERE g.person_id = NEW.id AND g.category IS NOT NULL AND g.approved_at IS NOT NULL AND g.status <> 'cancelled'
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (year, category) DO UPDATE SET grants = kept.grants + excluded.grants;
    DELETE FROM disclosure d USING event_log e, grants g
        WHERE g.person_id = NEW.id AND e.subject = g.id AND d.event_id = e.id AND (g.paid = 0 OR d.path = 'category');
    DELETE FROM idempotency i USING grants g WHERE g.person_id = NEW.id AND i.resource_id = g.id;
    UPDATE grants g SET category = NULL, evidence = CASE WHEN g.paid > 0 THEN g.evidence ELSE (
            SELECT coalesce(jsonb_agg(jsonb_set(filed.one, '{kind}', 'null') ORDER BY filed.place), '[]')
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
                CASE WHEN line.one ->> 'person_id' = cast(NEW.id AS text) THEN jsonb_set(line.one, '{category}', 'null')
                    ELSE line.one END
                ORDER BY line.place
            ), '[]')
            FROM jsonb_array_elements(p.lines) WITH ORDINALITY AS line(one, place)
        )
        WHERE p.id = ANY (plans_about);
    RETURN NULL;
END
$$;
