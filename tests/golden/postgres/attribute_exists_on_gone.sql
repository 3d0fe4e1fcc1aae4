-- The session was ended meanwhile.
SELECT "session_attributes"."name" FROM (SELECT "sessions"."id" FROM "sessions" WHERE ((("sessions"."id" = $1) AND ("sessions"."_uuid" = coalesce($2, "sessions"."_uuid"))) AND ("sessions"."expires_at" > $3))) AS live LEFT JOIN "session_attributes" ON "session_attributes"."session_id" = live."id" AND (("session_attributes"."name" = ANY($4)) AND (("session_attributes"."expires_at" IS NULL) OR ("session_attributes"."expires_at" > $5)));
SELECT "sessions"."_uuid", "sessions"."expires_at" FROM "sessions" WHERE ("sessions"."id" = $1);
