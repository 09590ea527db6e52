-- As revision returns_22 made it, for whoever takes back what replaced it.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$ BEGIN
    DECLARE of_the_person uuid;
    BEGIN
        DELETE FROM disclosure d USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND d.event_id = e.id
            AND e.type IN (
                'avrr.returns.case.evidence_recorded.v1', 'avrr.returns.case.booking_confirmed.v1',
                'avrr.returns.case.screening_recorded.v1'
            );
        DELETE FROM idempotency i USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND i.resource_id = e.subject;
        UPDATE cases c SET screening = (
            SELECT coalesce(jsonb_agg(found.one ORDER BY found.place), '[]'::jsonb)
            FROM jsonb_array_elements(c.screening) WITH ORDINALITY AS found(one, place)
            WHERE found.one ->> 'person_id' <> p_person::text
        ) WHERE c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
        ) AND c.screening @> jsonb_build_array(jsonb_build_object('person_id', p_person::text));
        FOR of_the_person IN
            SELECT c.id FROM cases c WHERE c.id IN (
                SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
            ) AND NOT EXISTS (
                SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid)
                LEFT JOIN persons p ON p.id = covered.person_id WHERE p.erased_at IS NULL
            )
        LOOP
            DELETE FROM disclosure d USING event_log e WHERE e.subject = of_the_person AND d.event_id = e.id;
            DELETE FROM idempotency i WHERE i.resource_id = of_the_person;
            UPDATE cases c SET holds = (
                SELECT jsonb_agg(CASE WHEN hold.one ->> 'reason' = 'transit' THEN hold.one
                    ELSE (hold.one - 'sealed') || '{"reason": null}' END ORDER BY hold.place)
                FROM jsonb_array_elements(c.holds) WITH ORDINALITY AS hold(one, place)
            ) WHERE c.id = of_the_person AND c.holds <> '[]';
        END LOOP;
    END;
END $$;
