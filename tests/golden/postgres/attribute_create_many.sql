-- Two attributes.
-- BEGIN
INSERT INTO "session_attributes" ("session_id", "name", "value", "sealed", "created_at", "updated_at", "expires_at") SELECT live."id", given.name, given.value, given.sealed, $1, $2, given.expires_at FROM (SELECT "sessions"."id" FROM "sessions" WHERE ((("sessions"."id" = $3) AND ("sessions"."_uuid" = coalesce($4, "sessions"."_uuid"))) AND ("sessions"."expires_at" > $5)) FOR KEY SHARE) AS live, unnest($6, $7, $8, $9) AS given (name, value, sealed, expires_at) WHERE TRUE ON CONFLICT ("session_id", "name") DO UPDATE SET "created_at" = excluded."created_at", "value" = excluded."value", "sealed" = excluded."sealed", "updated_at" = excluded."updated_at", "expires_at" = excluded."expires_at" WHERE "session_attributes"."expires_at" <= excluded."updated_at";
-- COMMIT
