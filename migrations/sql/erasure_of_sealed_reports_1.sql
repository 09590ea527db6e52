-- As `erasure_of_final_reports_1.sql`, of rows that keep sealed what the report says.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_final_reports() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE cases c SET final_report = (c.final_report - 'sealed') || '{"findings": null}'
        WHERE c.final_report IS NOT NULL AND c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = NEW.id
        ) AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid)
            LEFT JOIN persons p ON p.id = covered.person_id WHERE p.erased_at IS NULL
        );
    RETURN NULL;
END
$$;
