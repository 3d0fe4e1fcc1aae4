CREATE TABLE {{ if_missing }}{{ attributes }} (
    session_id {{ id_type|fmt("{:12}") }} NOT NULL,
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
    CONSTRAINT {{ attributes.with("_session_id_fkey") }} FOREIGN KEY (session_id) REFERENCES {{ table }} ({{ c.id }}) ON DELETE CASCADE,
    CONSTRAINT {{ attributes.with("_value_or_sealed_check") }} CHECK ((value IS NULL) <> (sealed IS NULL)),
    INDEX {{ attributes.with("_expires_at_idx") }} (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Values of a session that are written at once, each with its own expiry; they end with their session';
