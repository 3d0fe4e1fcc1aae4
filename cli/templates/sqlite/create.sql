{% if attributes.is_some() %}-- Creates the two tables of diesel-sessions: one row per session, and one row per attribute of a session.
{%- else %}-- Creates the table of diesel-sessions: one row per session.{% endif %}
--
-- The application's own columns stand last; keep, change or drop them.{% if owner.is_some() && !links %} No users table is assumed: the commented
-- line is the foreign key that ends a user's sessions together with the user (while PRAGMA foreign_keys is ON).{% endif %}
--
-- Times are UTC text with six decimals, '2026-11-21 09:30:00.000000', so that they sort as they compare; the CHECKs
-- keep other spellings out. JSON is TEXT, since `diesel print-schema` does not know a column declared JSON.

-- Server-side sessions; one is live while expires_at lies in the future.
CREATE TABLE {{ table }} (
    -- Stays the same over the whole life of a session; AUTOINCREMENT, so that an id is never reused.
    {{ c.id|fmt("{:16}") }} INTEGER   NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- The first 128 bits of the SHA-256 of the token, as a hyphenated UUID; the token itself is not stored.
    {{ c.uuid|fmt("{:16}") }} TEXT      NOT NULL,
    -- The _uuid that the last rotation replaced.
    {{ c.previous_uuid|fmt("{:16}") }} TEXT,
    -- A JSON object; never repeats a column of this table.
    {{ c.data|fmt("{:16}") }} TEXT      NOT NULL DEFAULT '{}',
    -- Counts the changes of anything but a touch.
    {{ c.version|fmt("{:16}") }} INTEGER   NOT NULL DEFAULT 0,
    -- Never changes.
    {{ c.created_at|fmt("{:16}") }} TIMESTAMP NOT NULL,
    -- The last proof of identity; NULL = none.
    {{ c.authenticated_at|fmt("{:16}") }} TIMESTAMP,
    -- When the token was last replaced; NULL = never.
    {{ c.rotated_at|fmt("{:16}") }} TIMESTAMP,
    -- The last request that was recorded; never goes back.
    {{ c.last_seen_at|fmt("{:16}") }} TIMESTAMP NOT NULL,
    -- The earlier of last_seen_at + idle_timeout and deadline_at; '9999-12-31 00:00:00.000000' = never.
    {{ c.expires_at|fmt("{:16}") }} TIMESTAMP NOT NULL,
    -- Absolute end of life; NULL = none.
    {{ c.deadline_at|fmt("{:16}") }} TIMESTAMP,
    -- Seconds; NULL = never ends through idleness.
    {{ c.idle_timeout|fmt("{:16}") }} INTEGER,
    -- The cookie outlives the browser ("remember me").
    {{ c.persistent|fmt("{:16}") }} BOOLEAN   NOT NULL DEFAULT FALSE,
    -- The application's columns start here.{% if let Some(owner) = owner %}{% if !links %} With the foreign key, declare {{ owner.column.text() }} as users.id is declared, mostly
    -- INTEGER: `diesel print-schema` then prints one type for both, as a join needs.{% endif %}{% endif %}
{%- if let Some(owner) = owner %}
    {{ owner.column|fmt("{:16}") }} {{ owner.sql_type }},
{%- endif %}
    remote_addr      TEXT,
    user_agent       TEXT,
{%- if let Some(owner) = owner %}
{%- if let Some(users) = owner.references %}
    CONSTRAINT {{ owner.key }} FOREIGN KEY ({{ owner.column }}) REFERENCES {{ users.table }} ({{ users.key }}) ON DELETE {{ users.on_delete }},
{%- else %}
    -- CONSTRAINT {{ owner.key }} FOREIGN KEY ({{ owner.column }}) REFERENCES users (id) ON DELETE CASCADE,
{%- endif %}
{%- endif %}
    CONSTRAINT {{ table.with("_idle_timeout_check") }} CHECK ({{ c.idle_timeout }} > 0),
    CONSTRAINT {{ table.with("_times_check") }} CHECK (
        {{ c.created_at }} GLOB '????-??-?? ??:??:??*'
        AND {{ c.last_seen_at }} GLOB '????-??-?? ??:??:??*'
        AND {{ c.expires_at }} GLOB '????-??-?? ??:??:??*'
        AND {{ c.deadline_at }} GLOB '????-??-?? ??:??:??*'
        AND {{ c.authenticated_at }} GLOB '????-??-?? ??:??:??*'
        AND {{ c.rotated_at }} GLOB '????-??-?? ??:??:??*'
    )
);

CREATE UNIQUE INDEX {{ table.with("_uuid_key") }} ON {{ table }} ({{ c.uuid }});
CREATE UNIQUE INDEX {{ table.with("_previous_uuid_key") }} ON {{ table }} ({{ c.previous_uuid }});
CREATE INDEX {{ table.with("_expires_at_idx") }} ON {{ table }} ({{ c.expires_at }});
{%- if let Some(owner) = owner %}
CREATE INDEX {{ owner.index }} ON {{ table }} ({{ owner.column }}, {{ c.id }});
{%- endif %}
{%- if let Some(attributes) = attributes %}

{% include "sqlite/attributes.sql" %}
{%- endif %}
