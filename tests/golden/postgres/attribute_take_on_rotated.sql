-- Another request rotated the session.
-- BEGIN
DELETE FROM "session_attributes" WHERE ("session_attributes"."session_id" IN (SELECT "sessions"."id" FROM "sessions" WHERE ((("sessions"."id" = $1) AND ("sessions"."_uuid" = coalesce($2, "sessions"."_uuid"))) AND ("sessions"."expires_at" > $3)) FOR KEY SHARE) AND (("session_attributes"."name" = $4) AND (("session_attributes"."expires_at" IS NULL) OR ("session_attributes"."expires_at" > $5)))) RETURNING "session_attributes"."name", "session_attributes"."value", "session_attributes"."sealed", "session_attributes"."created_at", "session_attributes"."updated_at", "session_attributes"."expires_at";
-- COMMIT
SELECT "sessions"."_uuid", "sessions"."expires_at" FROM "sessions" WHERE ("sessions"."id" = $1);
