-- A touch is due.
UPDATE "sessions" SET "last_seen_at" = $1, "expires_at" = $2 WHERE ((((("sessions"."id" = $3) AND ("sessions"."_uuid" = $4)) AND ("sessions"."expires_at" > $5)) AND ("sessions"."_version" = $6)) AND ("sessions"."last_seen_at" <= $7));
