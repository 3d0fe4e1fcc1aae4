-- Adds the columns of diesel-sessions to {{ table }}, which stays in use meanwhile: no lock that stops its readers or writers is
-- held for more than some milliseconds, and none is waited for longer than 10 at a time, since others would queue behind it.
--
{% include "existing_rows.sql" %}
--
-- It commits as it goes: metadata.toml keeps Diesel from opening a transaction. After an interruption, be it by a
-- statement_timeout, run it again: it goes on where it was.
--
-- A save writes `_data`, `_version` and the typed columns, and must stay a HOT update: do not index those, apart
-- from the owner. The fill factor leaves room on each page for the new version of a row.
DO $migration$
DECLARE
    ds_last BIGINT;
    ds_upto BIGINT;
BEGIN
    -- Takes turns with vacuum and with other migrations, and is in nobody else's way.
    LOCK TABLE {{ table }} IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '10ms', TRUE);
    FOR ds_attempt IN 1..3000 LOOP
        BEGIN
            LOCK TABLE {{ table }} IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF ds_attempt = 3000 THEN RAISE; END IF;
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    -- Constant defaults: no row is written.
    ALTER TABLE {{ table }}
{%- for column in added %}
        ADD COLUMN IF NOT EXISTS {{ column.name|fmt("{:16}") }} {{ column.definition }},
{%- endfor %}
{%- if let Some(owner) = owner %}
        ADD COLUMN IF NOT EXISTS {{ owner.column|fmt("{:16}") }} {{ owner.sql_type }},
{%- endif %}
        DROP CONSTRAINT IF EXISTS {{ table.with("_idle_timeout_check") }},
        ADD CONSTRAINT {{ table.with("_idle_timeout_check") }} CHECK ({{ c.idle_timeout }} > 0) NOT VALID,
        ALTER COLUMN {{ c.uuid }} SET DEFAULT gen_random_uuid(),
        SET (fillfactor = 85);
    COMMIT;

    -- Five hundred rows at a time; those that somebody holds are left for the next round.
    LOOP
        SELECT min({{ c.id }}) - 1 INTO ds_last FROM {{ table }};
        LOOP
            SELECT max({{ c.id }}) INTO ds_upto FROM (
                SELECT {{ c.id }} FROM {{ table }} WHERE {{ c.id }} > ds_last ORDER BY {{ c.id }} LIMIT 500
            ) AS batch;
            EXIT WHEN ds_upto IS NULL;
            UPDATE {{ table }} SET {{ c.uuid }} = gen_random_uuid() WHERE {{ c.id }} IN (
                SELECT {{ c.id }} FROM {{ table }}
                WHERE {{ c.id }} > ds_last AND {{ c.id }} <= ds_upto AND {{ c.uuid }} = '00000000-0000-0000-0000-000000000000'
                FOR NO KEY UPDATE SKIP LOCKED
            );
            COMMIT;
            ds_last := ds_upto;
        END LOOP;
        EXIT WHEN NOT EXISTS (SELECT FROM {{ table }} WHERE {{ c.uuid }} = '00000000-0000-0000-0000-000000000000');
        PERFORM pg_sleep(0.1);
    END LOOP;
    ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ table.with("_idle_timeout_check") }};
    COMMIT;
{%- if let Some(owner) = owner %}
{%- if let Some(users) = owner.references %}

    -- The key to {{ users.table.text() }}: the column is new, so no row can contradict it.
    LOCK TABLE {{ table }} IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '10ms', TRUE);
    FOR ds_attempt IN 1..3000 LOOP
        BEGIN
            LOCK TABLE {{ users.table }} IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE {{ table }} IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF ds_attempt = 3000 THEN RAISE; END IF;
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    ALTER TABLE {{ table }}
        DROP CONSTRAINT IF EXISTS {{ owner.key }},
        ADD CONSTRAINT {{ owner.key }} FOREIGN KEY ({{ owner.column }}) REFERENCES {{ users.table }} ({{ users.key }}) ON DELETE {{ users.on_delete }} NOT VALID;
    COMMIT;
    ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ owner.key }};
    COMMIT;
{%- endif %}
{%- endif %}
{%- if let Some(attributes) = attributes %}

    CREATE TABLE IF NOT EXISTS {{ attributes }} (
        session_id {{ id_type|fmt("{:24}") }} NOT NULL,
        name       VARCHAR(191) COLLATE "C" NOT NULL,
        value      JSONB,
        sealed     BYTEA,
        created_at TIMESTAMPTZ              NOT NULL,
        updated_at TIMESTAMPTZ              NOT NULL,
        expires_at TIMESTAMPTZ,
        CONSTRAINT {{ attributes.with("_pkey") }} PRIMARY KEY (session_id, name),
        CONSTRAINT {{ attributes.with("_value_or_sealed_check") }} CHECK ((value IS NULL) <> (sealed IS NULL))
    );
    CREATE INDEX IF NOT EXISTS {{ attributes.with("_expires_at_idx") }} ON {{ attributes }} (expires_at) WHERE expires_at IS NOT NULL;
    COMMENT ON TABLE {{ attributes }} IS 'Values of a session that are written at once, each with its own expiry; they end with their session';
    COMMENT ON COLUMN {{ attributes }}.name IS 'Compared byte for byte';
    COMMENT ON COLUMN {{ attributes }}.value IS 'The value in clear; exactly one of value and sealed is set';
    COMMENT ON COLUMN {{ attributes }}.sealed IS 'The value encrypted; exactly one of value and sealed is set';
    COMMENT ON COLUMN {{ attributes }}.created_at IS 'When the attribute was first written';
    COMMENT ON COLUMN {{ attributes }}.updated_at IS 'When the value was last written';
    COMMENT ON COLUMN {{ attributes }}.expires_at IS 'NULL = lives as long as its session';
    COMMIT;
    LOCK TABLE {{ table }} IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '10ms', TRUE);
    FOR ds_attempt IN 1..3000 LOOP
        BEGIN
            LOCK TABLE {{ table }} IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF ds_attempt = 3000 THEN RAISE; END IF;
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    ALTER TABLE {{ attributes }}
        DROP CONSTRAINT IF EXISTS {{ attributes.with("_session_id_fkey") }},
        ADD CONSTRAINT {{ attributes.with("_session_id_fkey") }} FOREIGN KEY (session_id) REFERENCES {{ table }} ({{ c.id }}) ON DELETE CASCADE;
    COMMIT;
{%- endif %}

{%- for column in added %}
    COMMENT ON COLUMN {{ table }}.{{ column.name }} IS '{{ column.comment }}';
{%- endfor %}
END
$migration$;
