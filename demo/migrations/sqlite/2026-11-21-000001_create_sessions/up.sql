-- The shop's sessions and their attributes: the library's migration, copied, with the foreign key to the users.
-- user_id is INTEGER as users.id is, so that a join has one type.
--
-- Times are UTC text with six decimals, '2026-11-21 09:30:00.000000', so that they sort as they compare; the CHECKs
-- keep other spellings out. JSON is TEXT, since `diesel print-schema` does not know a column declared JSON.

-- Server-side sessions; one is live while expires_at lies in the future.
CREATE TABLE sessions (
    -- Stays the same over the whole life of a session; AUTOINCREMENT, so that an id is never reused.
    id               INTEGER   NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- The first 128 bits of the SHA-256 of the token, as a hyphenated UUID; the token itself is not stored.
    _uuid            TEXT      NOT NULL,
    -- The _uuid that the last rotation replaced.
    _previous_uuid   TEXT,
    -- A JSON object; never repeats a column of this table.
    _data            TEXT      NOT NULL DEFAULT '{}',
    -- Counts the changes of anything but a touch.
    _version         INTEGER   NOT NULL DEFAULT 0,
    -- Never changes.
    created_at       TIMESTAMP NOT NULL,
    -- The last proof of identity; NULL = none.
    authenticated_at TIMESTAMP,
    -- When the token was last replaced; NULL = never.
    rotated_at       TIMESTAMP,
    -- The last request that was recorded; never goes back.
    last_seen_at     TIMESTAMP NOT NULL,
    -- The earlier of last_seen_at + idle_timeout and deadline_at; '9999-12-31 00:00:00.000000' = never.
    expires_at       TIMESTAMP NOT NULL,
    -- Absolute end of life; NULL = none.
    deadline_at      TIMESTAMP,
    -- Seconds; NULL = never ends through idleness.
    idle_timeout     INTEGER,
    -- The cookie outlives the browser ("remember me").
    persistent       BOOLEAN   NOT NULL DEFAULT FALSE,
    -- The shop's columns start here.
    user_id          INTEGER,
    remote_addr      TEXT,
    user_agent       TEXT,
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_idle_timeout_check CHECK (idle_timeout > 0),
    CONSTRAINT sessions_times_check CHECK (
        created_at GLOB '????-??-?? ??:??:??*'
        AND last_seen_at GLOB '????-??-?? ??:??:??*'
        AND expires_at GLOB '????-??-?? ??:??:??*'
        AND deadline_at GLOB '????-??-?? ??:??:??*'
        AND authenticated_at GLOB '????-??-?? ??:??:??*'
        AND rotated_at GLOB '????-??-?? ??:??:??*'
    )
);

CREATE UNIQUE INDEX sessions_uuid_key ON sessions (_uuid);
CREATE UNIQUE INDEX sessions_previous_uuid_key ON sessions (_previous_uuid);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX sessions_user_id_idx ON sessions (user_id, id);

-- Values of a session that are written at once, each with its own expiry; they end with their session.
CREATE TABLE session_attributes (
    session_id INTEGER   NOT NULL,
    -- Compared byte for byte.
    name       TEXT      NOT NULL,
    -- The value in clear, as JSON; exactly one of value and sealed is set.
    value      TEXT,
    -- The value encrypted; exactly one of value and sealed is set.
    sealed     BLOB,
    -- When the attribute was first written.
    created_at TIMESTAMP NOT NULL,
    -- When the value was last written.
    updated_at TIMESTAMP NOT NULL,
    -- NULL = lives as long as its session.
    expires_at TIMESTAMP,
    CONSTRAINT session_attributes_pkey PRIMARY KEY (session_id, name),
    CONSTRAINT session_attributes_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    CONSTRAINT session_attributes_name_check CHECK (length(name) <= 191),
    CONSTRAINT session_attributes_value_or_sealed_check CHECK ((value IS NULL) <> (sealed IS NULL)),
    CONSTRAINT session_attributes_times_check CHECK (
        created_at GLOB '????-??-?? ??:??:??*'
        AND updated_at GLOB '????-??-?? ??:??:??*'
        AND expires_at GLOB '????-??-?? ??:??:??*'
    )
);

CREATE INDEX session_attributes_expires_at_idx ON session_attributes (expires_at) WHERE expires_at IS NOT NULL;

-- The foreign key above acts only while PRAGMA foreign_keys is ON, which each connection has to ask for.
-- This trigger always acts: no attribute outlives its session.
CREATE TRIGGER sessions_delete_attributes AFTER DELETE ON sessions
BEGIN
    DELETE FROM session_attributes WHERE session_id = OLD.id;
END;
