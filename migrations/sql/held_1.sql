-- While a case is on hold it stands where it was held, and moves from there along the same ways as any other case, but not
-- towards its departure: no decision and no gate is passed by placing a hold or by lifting it. What the present status of a
-- row may become is held by `status_follows_transitions` besides.
-- Written once and never edited afterwards.
CREATE FUNCTION stretch_follows_transitions() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    before text := coalesce(OLD.status_before_hold, OLD.status);
    after text := coalesce(NEW.status_before_hold, NEW.status);
BEGIN
    IF after IS DISTINCT FROM before AND (
        NOT EXISTS (
            SELECT 1 FROM status_transition t
            WHERE t.aggregate = TG_TABLE_NAME AND t.from_status = before AND t.to_status = after
        ) OR 'on_hold' IN (OLD.status, NEW.status) AND (
            after IN ('screening', 'applied', 'approved', 'ready_to_travel', 'cleared_to_board')
            OR after = 'preparing' AND before NOT IN ('ready_to_travel', 'cleared_to_board')
        )
    ) THEN
        RAISE EXCEPTION 'this status cannot follow the one before the hold' USING ERRCODE = 'AV003';
    END IF;
    RETURN NEW;
END
$$;
