-- What these events of the log conceal, for the person whom they are about: a reason, a category, a year of birth.
-- Its owner sees all rows; whoever calls it learns what belongs to events that they name, and only where they may read
-- the log.
-- Written once and never edited afterwards.
CREATE FUNCTION concealed_in(p_events uuid[]) RETURNS TABLE (event_id uuid, path text, value text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT d.event_id, d.path, d.value FROM disclosure d
    WHERE d.event_id = ANY (p_events) AND current_setting('app.log', true) = 'on'
$$;
