-- Values of a session that are written at once, each with its own expiry; they end with their session.
CREATE TABLE {{ attributes }} (
    session_id {{ id_type|fmt("{:9}") }} NOT NULL,
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
    CONSTRAINT {{ attributes.with("_pkey") }} PRIMARY KEY (session_id, name),
    CONSTRAINT {{ attributes.with("_session_id_fkey") }} FOREIGN KEY (session_id) REFERENCES {{ table }} ({{ c.id }}) ON DELETE CASCADE,
    CONSTRAINT {{ attributes.with("_name_check") }} CHECK (length(name) <= 191),
    CONSTRAINT {{ attributes.with("_value_or_sealed_check") }} CHECK ((value IS NULL) <> (sealed IS NULL)),
    CONSTRAINT {{ attributes.with("_times_check") }} CHECK (
        created_at GLOB '????-??-?? ??:??:??*'
        AND updated_at GLOB '????-??-?? ??:??:??*'
        AND expires_at GLOB '????-??-?? ??:??:??*'
    )
);

CREATE INDEX {{ attributes.with("_expires_at_idx") }} ON {{ attributes }} (expires_at) WHERE expires_at IS NOT NULL;

-- The foreign key above acts only while PRAGMA foreign_keys is ON, which each connection has to ask for.
-- This trigger always acts: no attribute outlives its session.
CREATE TRIGGER {{ table.with("_delete_attributes") }} AFTER DELETE ON {{ table }}
BEGIN
    DELETE FROM {{ attributes }} WHERE session_id = OLD.{{ c.id }};
END;
