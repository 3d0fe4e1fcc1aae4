-- A key was set, and a touch is due.
UPDATE "sessions" SET "_data" = $1, "last_seen_at" = $2, "expires_at" = $3, "_version" = ("sessions"."_version" + $4) WHERE ((((("sessions"."id" = $5) AND ("sessions"."_uuid" = $6)) AND ("sessions"."expires_at" > $7)) AND ("sessions"."_version" = $8)) AND ("sessions"."last_seen_at" <= $9));
