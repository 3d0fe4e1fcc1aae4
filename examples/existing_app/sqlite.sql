-- The tables of the example shop. It had users and orders; the sessions are new.
--
-- shop_sessions is the library's migration, copied: the table has another name and a foreign key, the columns of
-- the application's own are others, and the table of attributes is left out.

CREATE TABLE shop_users (
    id   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT    NOT NULL UNIQUE
);

CREATE TABLE shop_orders (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES shop_users (id) ON DELETE CASCADE,
    item    TEXT    NOT NULL
);

CREATE TABLE shop_sessions (
    id               INTEGER   NOT NULL PRIMARY KEY AUTOINCREMENT,
    _uuid            TEXT      NOT NULL,
    _previous_uuid   TEXT,
    _data            TEXT      NOT NULL DEFAULT '{}',
    _version         INTEGER   NOT NULL DEFAULT 0,
    created_at       TIMESTAMP NOT NULL,
    authenticated_at TIMESTAMP,
    rotated_at       TIMESTAMP,
    last_seen_at     TIMESTAMP NOT NULL,
    expires_at       TIMESTAMP NOT NULL,
    deadline_at      TIMESTAMP,
    idle_timeout     INTEGER,
    persistent       BOOLEAN   NOT NULL DEFAULT FALSE,
    -- The application's columns start here.
    user_id          INTEGER,
    device           TEXT      NOT NULL,
    CONSTRAINT shop_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop_users (id) ON DELETE CASCADE,
    CONSTRAINT shop_sessions_idle_timeout_check CHECK (idle_timeout > 0),
    CONSTRAINT shop_sessions_times_check CHECK (
        created_at GLOB '????-??-?? ??:??:??*'
        AND last_seen_at GLOB '????-??-?? ??:??:??*'
        AND expires_at GLOB '????-??-?? ??:??:??*'
        AND deadline_at GLOB '????-??-?? ??:??:??*'
        AND authenticated_at GLOB '????-??-?? ??:??:??*'
        AND rotated_at GLOB '????-??-?? ??:??:??*'
    )
);

CREATE UNIQUE INDEX shop_sessions_uuid_key ON shop_sessions (_uuid);
CREATE UNIQUE INDEX shop_sessions_previous_uuid_key ON shop_sessions (_previous_uuid);
CREATE INDEX shop_sessions_expires_at_idx ON shop_sessions (expires_at);
CREATE INDEX shop_sessions_user_id_idx ON shop_sessions (user_id, id);
