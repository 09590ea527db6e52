-- After a person's row came to say that they are erased: what the lines of plans say of their needs beyond the category goes in
-- the same statement, from rows and from beside the log, which is what came of them too. It does not matter whether this or
-- `erase_what_it_was_for`, which takes what is sealed and the category, comes first.
-- It belongs to the role that erases. Written once and never edited afterwards.
CREATE FUNCTION erase_plan_details() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    -- In which plans somebody is, the log's own index of ids knows.
    plans_about uuid[] := ARRAY(
        SELECT p.id FROM plans p WHERE p.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = NEW.id
        )
    );
BEGIN
    -- Whose need a line of any version was, its event says; also of who is in the plan no more.
    DELETE FROM disclosure d USING event_log e
        WHERE e.subject = ANY (plans_about) AND d.event_id = e.id AND d.path ~ '\.(category|details|outcome)$'
        AND convert_from(e.leaf, 'UTF8')::jsonb
            #>> string_to_array('data.' || regexp_replace(d.path, '(category|details|outcome)$', 'person_id'), '.') = cast(NEW.id AS text);
    UPDATE plans p SET lines = (
            SELECT coalesce(jsonb_agg(
                CASE WHEN line.one ->> 'person_id' = cast(NEW.id AS text)
                    THEN line.one - 'sealed' || '{"category": null, "dimension": null, "details": null, "outcome": null}'
                    ELSE line.one END
                ORDER BY line.place
            ), '[]')
            FROM jsonb_array_elements(p.lines) WITH ORDINALITY AS line(one, place)
        )
        WHERE p.id = ANY (plans_about);
    RETURN NULL;
END
$$;
