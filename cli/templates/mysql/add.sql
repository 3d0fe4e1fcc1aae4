-- Adds the columns of diesel-sessions to {{ table }}, which stays in use meanwhile: each step is INSTANT or leaves readers and
-- writers alone (LOCK = NONE).
{%- if is_mariadb %} A step that needs the table for a moment gives way to whoever uses it, and tries again.
{%- else %} A step that needs the table for a moment waits for whoever uses it, for a second at most (MySQL knows no
-- shorter time), and tries again.
{%- endif %}
--
{% include "existing_rows.sql" %}
--
-- Every step commits at once: metadata.toml keeps Diesel from opening a transaction.
{%- if is_mariadb %} After an interruption run it again: it goes
-- on where it was.

BEGIN NOT ATOMIC
{%- else %}
-- The account needs CREATE ROUTINE: only a procedure can wait and try again.

DROP PROCEDURE IF EXISTS {{ procedure }};

CREATE PROCEDURE {{ procedure }}()
BEGIN
{%- endif %}
    DECLARE ds_step INTEGER DEFAULT 1;
    DECLARE ds_attempts INTEGER DEFAULT 0;
    DECLARE ds_last BIGINT DEFAULT NULL;
    DECLARE ds_upto BIGINT DEFAULT NULL;
    DECLARE ds_missed INTEGER DEFAULT 0;
    SET SESSION lock_wait_timeout = {% if is_mariadb %}0, innodb_lock_wait_timeout = 0{% else %}1, innodb_lock_wait_timeout = 1{% endif %};

    WHILE ds_step <= 5 DO
        BEGIN
            -- 1205: somebody holds what the step needs.
            DECLARE EXIT HANDLER FOR 1205
            BEGIN
                SET ds_attempts = ds_attempts + 1;
                IF ds_attempts > 15000 THEN RESIGNAL; END IF;
                DO SLEEP(0.02);
            END;
            CASE ds_step
            WHEN 1 THEN
                -- Constant defaults: no row is written.
                ALTER TABLE {{ table }}
{%- for column in added %}
                    ADD COLUMN {{ if_missing }}{{ column.name|fmt("{:16}") }} {{ column.definition }}
                        COMMENT '{{ column.comment }}'{{ column.check }},
{%- endfor %}
{%- if let Some(owner) = owner %}
                    ADD COLUMN {{ if_missing }}{{ owner.column|fmt("{:16}") }} {{ owner.sql_type }} NULL,
{%- endif %}
                    ALGORITHM = INSTANT;
                SET ds_step = 2;
            WHEN 2 THEN
                ALTER TABLE {{ table }}
                    ALTER COLUMN {{ c.uuid }} SET DEFAULT (UUID()),
{%- if !is_mariadb %}
                    ALTER COLUMN {{ c.data }} SET DEFAULT ('{}'),
{%- endif %}
                    ALGORITHM = INSTANT;
                SELECT MIN({{ c.id }}) - 1 INTO ds_last FROM {{ table }};
                SET ds_step = 3;
            WHEN 3 THEN
                -- A hundred rows at a time; those that somebody holds are left for the next round.
                SELECT MAX({{ c.id }}) INTO ds_upto FROM (
                    SELECT {{ c.id }} FROM {{ table }} WHERE {{ c.id }} > ds_last ORDER BY {{ c.id }} LIMIT 100
                ) AS batch;
                IF ds_upto IS NOT NULL THEN
                    UPDATE {{ table }} JOIN (
                        SELECT {{ c.id }} FROM {{ table }} WHERE {{ c.id }} > ds_last AND {{ c.id }} <= ds_upto AND {{ c.uuid }} = ''
                        ORDER BY {{ c.id }} LIMIT 100 FOR UPDATE SKIP LOCKED
                    ) AS batch ON {{ table }}.{{ c.id }} = batch.{{ c.id }}
                    SET {{ c.uuid }} = UUID(){% if !is_mariadb %}, {{ c.data }} = '{}'{% endif %};
                    SET ds_last = ds_upto;
                    -- Leaves the disk to others in between.
                    DO SLEEP(0.001);
                ELSE
                    -- A condition of IF would lock what it reads.
                    SELECT COUNT(*) INTO ds_missed FROM (SELECT 1 FROM {{ table }} WHERE {{ c.uuid }} = '' LIMIT 1) AS one;
                    IF ds_missed > 0 THEN
                        SELECT MIN({{ c.id }}) - 1 INTO ds_last FROM {{ table }};
                        DO SLEEP(0.1);
                    ELSE
                        -- What a build has done must not be given up for a writer who is there at its end.
                        SET SESSION lock_wait_timeout = 1;
                        SET ds_step = 4;
                    END IF;
                END IF;
            WHEN 4 THEN
                ALTER TABLE {{ table }}
                    ADD UNIQUE INDEX {{ if_missing }}{{ table.with("_uuid_key") }} ({{ c.uuid }}),
                    ADD UNIQUE INDEX {{ if_missing }}{{ table.with("_previous_uuid_key") }} ({{ c.previous_uuid }}),
                    ADD INDEX {{ if_missing }}{{ table.with("_expires_at_idx") }} ({{ c.expires_at }}),
{%- if let Some(index) = owner_index %}
                    ADD INDEX {{ if_missing }}{{ index.name }} ({{ index.column }}, {{ c.id }}),
{%- endif %}
{%- if !is_mariadb %}
                    MODIFY COLUMN {{ c.data }} JSON NOT NULL DEFAULT ('{}') COMMENT 'A JSON object; never repeats a column of this table',
{%- endif %}
                    ALGORITHM = {% if is_mariadb %}NOCOPY{% else %}INPLACE{% endif %}, LOCK = NONE;
                SET SESSION lock_wait_timeout = {% if is_mariadb %}0{% else %}1{% endif %};
                SET ds_step = 5;
            ELSE
{%- if let Some(owner) = owner %}
{%- if let Some(users) = owner.references %}
                -- The column is new, so no row can contradict the key, and none needs to be looked at.
                SET SESSION foreign_key_checks = 0;
                ALTER TABLE {{ table }}
                    ADD CONSTRAINT {{ owner.key }} FOREIGN KEY {{ if_missing }}({{ owner.column }}) REFERENCES {{ users.table }} ({{ users.key }}) ON DELETE {{ users.on_delete }},
                    ALGORITHM = {% if is_mariadb %}NOCOPY{% else %}INPLACE{% endif %}, LOCK = NONE;
                SET SESSION foreign_key_checks = 1;
{%- endif %}
{%- endif %}
                SET ds_step = 6;
            END CASE;
        END;
    END WHILE;
    SET SESSION lock_wait_timeout = DEFAULT, innodb_lock_wait_timeout = DEFAULT, foreign_key_checks = 1;
END;
{%- if !is_mariadb %}

CALL {{ procedure }}();

DROP PROCEDURE {{ procedure }};
{%- endif %}
{%- if let Some(attributes) = attributes %}

{% include "mysql/attributes.sql" %}
{%- endif %}
