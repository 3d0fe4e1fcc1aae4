-- The shop's sessions and their attributes: the library's migration, copied, with the foreign key to the users.
-- For MySQL 8.0.13 and later (the CHECKs are enforced from 8.0.16) and MariaDB 10.11 and later.
--
-- Times are UTC: DATETIME(6), as TIMESTAMP ends in 2038. Foreign keys are table constraints, as MySQL 8
-- silently ignores REFERENCES behind a column. MariaDB's JSON is LONGTEXT with a CHECK that it holds JSON.

CREATE TABLE sessions (
    id               BIGINT      NOT NULL AUTO_INCREMENT
                     COMMENT 'Stays the same over the whole life of a session; never reused',
    _uuid            CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL
                     COMMENT 'The first 128 bits of the SHA-256 of the token; the token itself is not stored',
    _previous_uuid   CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL
                     COMMENT 'The _uuid that the last rotation replaced',
    _data            JSON        NOT NULL DEFAULT ('{}')
                     COMMENT 'A JSON object; never repeats a column of this table',
    _version         INTEGER     NOT NULL DEFAULT 0
                     COMMENT 'Counts the changes of anything but a touch',
    created_at       DATETIME(6) NOT NULL
                     COMMENT 'UTC; never changes',
    authenticated_at DATETIME(6) NULL
                     COMMENT 'UTC; the last proof of identity; NULL = none',
    rotated_at       DATETIME(6) NULL
                     COMMENT 'UTC; when the token was last replaced; NULL = never',
    last_seen_at     DATETIME(6) NOT NULL
                     COMMENT 'UTC; the last request that was recorded; never goes back',
    expires_at       DATETIME(6) NOT NULL
                     COMMENT 'UTC; the earlier of last_seen_at + idle_timeout and deadline_at; 9999-12-31 = never',
    deadline_at      DATETIME(6) NULL
                     COMMENT 'UTC; absolute end of life; NULL = none',
    idle_timeout     INTEGER     NULL
                     COMMENT 'Seconds; NULL = never ends through idleness',
    persistent       BOOLEAN     NOT NULL DEFAULT FALSE
                     COMMENT 'The cookie outlives the browser ("remember me")',
    -- The shop's columns start here.
    user_id          BIGINT      NULL,
    remote_addr      TEXT        NULL,
    user_agent       TEXT        NULL,
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (id),
    CONSTRAINT sessions_uuid_key UNIQUE (_uuid),
    CONSTRAINT sessions_previous_uuid_key UNIQUE (_previous_uuid),
    CONSTRAINT sessions_idle_timeout_check CHECK (idle_timeout > 0),
    INDEX sessions_expires_at_idx (expires_at),
    INDEX sessions_user_id_idx (user_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Server-side sessions; one is live while expires_at lies in the future';

CREATE TABLE session_attributes (
    session_id BIGINT       NOT NULL,
    name       VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
               COMMENT 'Compared byte for byte',
    value      JSON         NULL
               COMMENT 'The value in clear; exactly one of value and sealed is set',
    sealed     LONGBLOB     NULL
               COMMENT 'The value encrypted; exactly one of value and sealed is set',
    created_at DATETIME(6)  NOT NULL
               COMMENT 'UTC; when the attribute was first written',
    updated_at DATETIME(6)  NOT NULL
               COMMENT 'UTC; when the value was last written',
    expires_at DATETIME(6)  NULL
               COMMENT 'UTC; NULL = lives as long as its session',
    PRIMARY KEY (session_id, name),
    CONSTRAINT session_attributes_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    CONSTRAINT session_attributes_value_or_sealed_check CHECK ((value IS NULL) <> (sealed IS NULL)),
    INDEX session_attributes_expires_at_idx (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Values of a session that are written at once, each with its own expiry; they end with their session';
