-- A typed column was set, and a touch is due.
UPDATE "sessions" SET "_data" = $1, "user_id" = $2, "remote_addr" = $3, "user_agent" = $4, "last_seen_at" = $5, "expires_at" = $6, "_version" = ("sessions"."_version" + $7) WHERE ((((("sessions"."id" = $8) AND ("sessions"."_uuid" = $9)) AND ("sessions"."expires_at" > $10)) AND ("sessions"."_version" = $11)) AND ("sessions"."last_seen_at" <= $12));
