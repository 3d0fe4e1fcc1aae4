-- The same, with one that keeps its expiry and one that loses it.
-- BEGIN
SELECT "sessions"."id" FROM "sessions" WHERE ((("sessions"."id" = $1) AND ("sessions"."_uuid" = coalesce($2, "sessions"."_uuid"))) AND ("sessions"."expires_at" > $3)) FOR UPDATE;
-- ROLLBACK
SELECT "session_attributes"."name" FROM (SELECT "sessions"."id" FROM "sessions" WHERE ((("sessions"."id" = $1) AND ("sessions"."_uuid" = coalesce($2, "sessions"."_uuid"))) AND ("sessions"."expires_at" > $3))) AS live LEFT JOIN "session_attributes" ON "session_attributes"."session_id" = live."id" AND (("session_attributes"."name" = ANY($4)) AND (("session_attributes"."expires_at" IS NULL) OR ("session_attributes"."expires_at" > $5)));
SELECT "sessions"."id", "sessions"."_uuid", "sessions"."_previous_uuid", "sessions"."_data", "sessions"."_version", "sessions"."created_at", "sessions"."authenticated_at", "sessions"."rotated_at", "sessions"."last_seen_at", "sessions"."expires_at", "sessions"."deadline_at", "sessions"."idle_timeout", "sessions"."persistent", "sessions"."user_id", "sessions"."remote_addr", "sessions"."user_agent" FROM "sessions" WHERE ("sessions"."id" = $1);
