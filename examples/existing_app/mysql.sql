-- The tables of the example shop. It had users and orders; the sessions are new.
--
-- shop_sessions is the library's migration, copied: the table has another name and a foreign key, the columns of
-- the application's own are others, and the table of attributes is left out.

CREATE TABLE shop_users (
    id   BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL UNIQUE
) ENGINE = InnoDB;

CREATE TABLE shop_orders (
    id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    item    TEXT   NOT NULL,
    CONSTRAINT shop_orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop_users (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE shop_sessions (
    id               BIGINT      NOT NULL AUTO_INCREMENT,
    _uuid            CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    _previous_uuid   CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL,
    _data            JSON        NOT NULL DEFAULT ('{}'),
    _version         INTEGER     NOT NULL DEFAULT 0,
    created_at       DATETIME(6) NOT NULL,
    authenticated_at DATETIME(6) NULL,
    rotated_at       DATETIME(6) NULL,
    last_seen_at     DATETIME(6) NOT NULL,
    expires_at       DATETIME(6) NOT NULL,
    deadline_at      DATETIME(6) NULL,
    idle_timeout     INTEGER     NULL,
    persistent       BOOLEAN     NOT NULL DEFAULT FALSE,
    -- The application's columns start here.
    user_id          BIGINT      NULL,
    device           TEXT        NOT NULL,
    CONSTRAINT shop_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop_users (id) ON DELETE CASCADE,
    PRIMARY KEY (id),
    CONSTRAINT shop_sessions_uuid_key UNIQUE (_uuid),
    CONSTRAINT shop_sessions_previous_uuid_key UNIQUE (_previous_uuid),
    CONSTRAINT shop_sessions_idle_timeout_check CHECK (idle_timeout > 0),
    INDEX shop_sessions_expires_at_idx (expires_at),
    INDEX shop_sessions_user_id_idx (user_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
