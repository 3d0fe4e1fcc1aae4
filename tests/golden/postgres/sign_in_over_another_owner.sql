-- The other owner's row is deleted, and a new session begins.
-- BEGIN
DELETE FROM "sessions" WHERE ("sessions"."id" = $1);
INSERT INTO "sessions" ("_uuid", "_version", "_data", "created_at", "authenticated_at", "last_seen_at", "expires_at", "deadline_at", "idle_timeout", "persistent", "user_id", "remote_addr", "user_agent") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT ("_uuid") DO NOTHING RETURNING "id";
-- COMMIT
