-- After the row of a vendor or an office came to say that name, accounts and contacts are deleted: they go in the same statement, with
-- their key, and the remembered answers about them. Belongs to the role that erases.
-- Written once and never edited afterwards.
CREATE FUNCTION delete_payee_details() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM payee_details d WHERE d.payee_id = NEW.id;
    DELETE FROM person_keys k WHERE k.person_id = NEW.id;
    DELETE FROM idempotency i WHERE i.resource_id = NEW.id AND i.version < NEW.version;
    RETURN NULL;
END
$$;

CREATE FUNCTION keep_deleted_details() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'what was deleted stays so' USING ERRCODE = '23514', CONSTRAINT = 'ck_payees_details_stay_deleted';
END
$$;
