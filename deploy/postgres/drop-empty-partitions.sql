-- Which partitions of `messages` will never hold a message again? They are dropped.
--
--   psql --file=deploy/postgres/drop-empty-partitions.sql postgresql://…
--
-- Those whose mailings have all ended and are folded (retention), and in which no row is left. Vestnik may be at
-- work: nothing is removed that it could ask for, and a lock that is not had at once ends this without a change.

\set ON_ERROR_STOP on
\set QUIET on

BEGIN;
SET LOCAL lock_timeout = '2s';
SELECT tableowner AS owner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'messages' \gset
SET LOCAL ROLE :"owner";
LOCK TABLE messages, attempts IN ACCESS EXCLUSIVE MODE;

DO $$
DECLARE
    each record;
    has_rows boolean;
BEGIN
    FOR each IN
        WITH bounds AS (
            SELECT relname AS name, pg_get_expr(relpartbound, oid) AS bound
            FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass('messages')
        ), ranges AS (
            SELECT name,
                coalesce(substring(bound FROM 'FROM \((\d+)\)')::integer, 0) AS first,
                substring(bound FROM 'TO \((\d+)\)')::integer AS beyond
            FROM bounds WHERE bound <> 'DEFAULT'
        )
        SELECT name, first, beyond FROM ranges
        -- All of its numbers have been given; the last partition says how far there are any, and stays.
        WHERE beyond <= (SELECT max(id) + 1 FROM mailings) AND beyond < (SELECT max(beyond) FROM ranges)
        AND NOT EXISTS (
            SELECT FROM mailings WHERE id >= first AND id < beyond
            AND (state NOT IN ('finished', 'cancelled') OR started_at IS NOT NULL AND emptied_at IS NULL)
        )
        ORDER BY beyond
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', each.name) INTO has_rows;
        IF NOT has_rows THEN
            EXECUTE format('ALTER TABLE messages DETACH PARTITION %I', each.name);
            EXECUTE format('DROP TABLE %I', each.name);
            RAISE NOTICE 'dropped %, mailings % to %', each.name, each.first, each.beyond - 1;
        END IF;
    END LOOP;
END $$;
COMMIT;
