-- After a person's row came to say that they are erased, and after `erase_person`: what the final report on a case says is
-- about all of its persons, and goes with the last of them, as what stands beside the log does. That there was a report, who
-- wrote it and when stays.
-- It belongs to the role that erases. Written once and never edited afterwards.
CREATE FUNCTION erase_final_reports() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE cases c SET final_report = jsonb_set(c.final_report, '{findings}', 'null')
        WHERE c.final_report IS NOT NULL AND c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = NEW.id
        ) AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid)
            LEFT JOIN persons p ON p.id = covered.person_id WHERE p.erased_at IS NULL
        );
    RETURN NULL;
END
$$;
