{% if attributes.is_some() %}-- Creates the two tables of diesel-sessions: one row per session, and one row per attribute of a session.
{%- else %}-- Creates the table of diesel-sessions: one row per session.{% endif %}
-- For MySQL 8.0.13 and later (the CHECKs are enforced from 8.0.16) and MariaDB 10.11 and later.
--
-- The application's own columns stand last; keep, change or drop them.{% if owner.is_some() && !links %} No users table is assumed: the commented
-- line is the foreign key that ends a user's sessions together with the user (both columns need the same type).{% endif %}
--
-- Times are UTC: DATETIME(6), as TIMESTAMP ends in 2038. Foreign keys are table constraints, as MySQL 8
-- silently ignores REFERENCES behind a column. MariaDB's JSON is LONGTEXT with a CHECK that it holds JSON.

CREATE TABLE {{ table }} (
    {{ c.id|fmt("{:16}") }} BIGINT      NOT NULL AUTO_INCREMENT
                     COMMENT 'Stays the same over the whole life of a session; never reused',
    {{ c.uuid|fmt("{:16}") }} CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL
                     COMMENT 'The first 128 bits of the SHA-256 of the token; the token itself is not stored',
    {{ c.previous_uuid|fmt("{:16}") }} CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL
                     COMMENT 'The _uuid that the last rotation replaced',
    {{ c.data|fmt("{:16}") }} JSON        NOT NULL DEFAULT ('{}')
                     COMMENT 'A JSON object; never repeats a column of this table',
    {{ c.version|fmt("{:16}") }} INTEGER     NOT NULL DEFAULT 0
                     COMMENT 'Counts the changes of anything but a touch',
    {{ c.created_at|fmt("{:16}") }} DATETIME(6) NOT NULL
                     COMMENT 'UTC; never changes',
    {{ c.authenticated_at|fmt("{:16}") }} DATETIME(6) NULL
                     COMMENT 'UTC; the last proof of identity; NULL = none',
    {{ c.rotated_at|fmt("{:16}") }} DATETIME(6) NULL
                     COMMENT 'UTC; when the token was last replaced; NULL = never',
    {{ c.last_seen_at|fmt("{:16}") }} DATETIME(6) NOT NULL
                     COMMENT 'UTC; the last request that was recorded; never goes back',
    {{ c.expires_at|fmt("{:16}") }} DATETIME(6) NOT NULL
                     COMMENT 'UTC; the earlier of last_seen_at + idle_timeout and deadline_at; 9999-12-31 = never',
    {{ c.deadline_at|fmt("{:16}") }} DATETIME(6) NULL
                     COMMENT 'UTC; absolute end of life; NULL = none',
    {{ c.idle_timeout|fmt("{:16}") }} INTEGER     NULL
                     COMMENT 'Seconds; NULL = never ends through idleness',
    {{ c.persistent|fmt("{:16}") }} BOOLEAN     NOT NULL DEFAULT FALSE
                     COMMENT 'The cookie outlives the browser ("remember me")',
    -- The application's columns start here.
{%- if let Some(owner) = owner %}
    {{ owner.column|fmt("{:16}") }} {{ owner.sql_type|fmt("{:11}") }} NULL,
{%- endif %}
    remote_addr      TEXT        NULL,
    user_agent       TEXT        NULL,
{%- if let Some(owner) = owner %}
{%- if let Some(users) = owner.references %}
    CONSTRAINT {{ owner.key }} FOREIGN KEY ({{ owner.column }}) REFERENCES {{ users.table }} ({{ users.key }}) ON DELETE {{ users.on_delete }},
{%- else %}
    -- CONSTRAINT {{ owner.key }} FOREIGN KEY ({{ owner.column }}) REFERENCES users (id) ON DELETE CASCADE,
{%- endif %}
{%- endif %}
    PRIMARY KEY ({{ c.id }}),
    CONSTRAINT {{ table.with("_uuid_key") }} UNIQUE ({{ c.uuid }}),
    CONSTRAINT {{ table.with("_previous_uuid_key") }} UNIQUE ({{ c.previous_uuid }}),
    CONSTRAINT {{ table.with("_idle_timeout_check") }} CHECK ({{ c.idle_timeout }} > 0),
    INDEX {{ table.with("_expires_at_idx") }} ({{ c.expires_at }}){% if let Some(owner) = owner %},
    INDEX {{ owner.index }} ({{ owner.column }}, {{ c.id }}){% endif %}
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Server-side sessions; one is live while expires_at lies in the future';
{%- if let Some(attributes) = attributes %}

{% include "mysql/attributes.sql" %}
{%- endif %}
