-- What a verification found stays as it was found, its owner included; only that it is gone is said of it, once.

CREATE FUNCTION differences_stay() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.gone_at IS NULL AND NEW.gone_at IS NOT NULL
        AND (NEW.id, NEW.kind, NEW.about, NEW.fault, NEW.columns, NEW.found_at)
        = (OLD.id, OLD.kind, OLD.about, OLD.fault, OLD.columns, OLD.found_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what a verification found is not changed' USING ERRCODE = 'AV002';
END
$$;

CREATE TRIGGER verify_differences_stay
    BEFORE UPDATE OR DELETE ON verify_differences
    FOR EACH ROW EXECUTE FUNCTION differences_stay();

CREATE TRIGGER verify_differences_not_emptied
    BEFORE TRUNCATE ON verify_differences
    FOR EACH STATEMENT EXECUTE FUNCTION differences_stay();

REVOKE ALL ON FUNCTION differences_stay() FROM PUBLIC;
