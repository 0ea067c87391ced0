-- How does PostgreSQL come to keep `messages` in partitions, and get more of them before the last is full?
--
--   psql --file=deploy/postgres/partition-messages.sql --variable=mailings=500 postgresql://…
--
-- `mailings`: how many mailing numbers a partition holds. `ahead`: how many empty ones are laid out (4).
-- The first time with all of Vestnik stopped: the table becomes the first partition as it is, no row is copied.
-- Every other time it only lays out what is missing ahead, and Vestnik may be at work, unless mailings have passed
-- the last partition already. One transaction: it happens or it does not. docs/scaling.md says when it is worth it.

\set ON_ERROR_STOP on
\set QUIET on
\if :{?mailings}
\else
    \set mailings 0
\endif
\if :{?ahead}
\else
    \set ahead 4
\endif

BEGIN;
-- Whoever is at work is not kept waiting behind us for long.
SET LOCAL lock_timeout = '2s';
SET LOCAL client_min_messages = 'warning';
SELECT tableowner AS owner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'messages' \gset
-- What is made belongs to Vestnik's own role, also where a superuser makes it.
SET LOCAL ROLE :"owner";
-- Both at once, and in the order in which Vestnik takes them: nobody waits for us while we wait for them.
LOCK TABLE messages, attempts IN ACCESS EXCLUSIVE MODE;
SELECT set_config('vestnik.mailings', :'mailings', true) AS told,
    set_config('vestnik.ahead', :'ahead', true) AS told_too \gset

-- Names of indexes are taken by the whole table; those of a partition are called after the partition.
CREATE FUNCTION pg_temp.call_indexes_after(old text, new text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    index text;
BEGIN
    FOR index IN SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = to_regclass(new) LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', index, replace(index, old, new));
    END LOOP;
END $$;

-- The table becomes the partition of all mailings before `bound`, and a new one above it takes over its names.
CREATE FUNCTION pg_temp.put_a_table_above(bound integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    definition text;
    definitions text[] := array(
        SELECT format('ALTER TABLE messages ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = to_regclass('messages') AND contype = 'u'
        UNION ALL
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass('messages') AND NOT indisunique
    );
BEGIN
    ALTER TABLE messages RENAME TO messages_from_0;
    PERFORM pg_temp.call_indexes_after('messages', 'messages_from_0');
    ALTER TABLE messages_from_0 DROP CONSTRAINT pk_messages_from_0;
    ALTER TABLE messages_from_0 ADD CONSTRAINT pk_messages_from_0 PRIMARY KEY (id, mailing_id);
    CREATE TABLE messages (LIKE messages_from_0 INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (mailing_id);
    ALTER TABLE messages ADD CONSTRAINT pk_messages PRIMARY KEY (id, mailing_id);
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
    EXECUTE format('ALTER TABLE messages ATTACH PARTITION messages_from_0 FOR VALUES FROM (MINVALUE) TO (%s)', bound);
END $$;

-- What has passed the last partition lies in the default one. That becomes the partition it should have been.
CREATE FUNCTION pg_temp.take_over_the_default(first integer, bound integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := format('messages_from_%s', first);
BEGIN
    IF EXISTS (SELECT FROM messages_default WHERE mailing_id < first) THEN
        RAISE EXCEPTION 'messages_default holds messages of mailings before %, whose partitions were dropped', first
            USING HINT = 'A backup of an earlier time was restored. Restore it into an empty database, and partition that.';
    END IF;
    ALTER TABLE messages DETACH PARTITION messages_default;
    EXECUTE format('ALTER TABLE messages_default RENAME TO %I', name);
    PERFORM pg_temp.call_indexes_after('messages_default', name);
    EXECUTE format('ALTER TABLE messages ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, first, bound);
END $$;

CREATE FUNCTION pg_temp.add(name text, which text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Half-full pages leave room for the new versions of rows, as in the model. Attaching makes the indexes.
    EXECUTE format('CREATE TABLE %I (LIKE messages INCLUDING ALL EXCLUDING INDEXES) WITH (fillfactor = 50)', name);
    EXECUTE format('ALTER TABLE messages ATTACH PARTITION %I %s', name, which);
END $$;

DO $$
DECLARE
    size integer := current_setting('vestnik.mailings');
    ahead integer := current_setting('vestnik.ahead');
    newest integer := (SELECT coalesce(max(id), 0) FROM mailings);
    -- The first mailing for which there is no partition yet; NULL: the table is not partitioned.
    bound integer := (
        SELECT max(substring(pg_get_expr(relpartbound, oid) FROM 'TO \((\d+)\)')::integer)
        FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass('messages')
    );
    is_whole boolean := false;
BEGIN
    IF size < 1 OR ahead < 1 THEN
        RAISE EXCEPTION 'How many mailings shall a partition hold?' USING HINT = '--variable=mailings=500';
    END IF;
    IF bound IS NOT NULL THEN
        SELECT NOT EXISTS (SELECT FROM messages WHERE mailing_id >= bound) INTO is_whole;
    END IF;
    IF NOT is_whole THEN
        ALTER TABLE attempts DROP CONSTRAINT fk_attempts_message_id;
        IF bound IS NULL THEN
            PERFORM pg_temp.put_a_table_above(newest + 1);
        ELSE
            PERFORM pg_temp.take_over_the_default(bound, newest + 1);
        END IF;
        bound := newest + 1;
        PERFORM pg_temp.add('messages_default', 'DEFAULT');
        ALTER TABLE attempts ADD CONSTRAINT fk_attempts_message_id FOREIGN KEY (message_id, mailing_id)
            REFERENCES messages (id, mailing_id) ON DELETE CASCADE;
    END IF;
    WHILE bound <= newest + (ahead - 1) * size + 1 LOOP
        PERFORM pg_temp.add(
            format('messages_from_%s', bound), format('FOR VALUES FROM (%s) TO (%s)', bound, bound + size)
        );
        bound := bound + size;
    END LOOP;
END $$;
COMMIT;

-- Autovacuum looks after each partition, but never after the whole.
ANALYZE messages;
SELECT relname AS partition, pg_get_expr(relpartbound, oid) AS mailings, pg_size_pretty(pg_total_relation_size(oid)) AS size
FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'messages'::regclass ORDER BY oid;
