-- A typed column was set.
UPDATE "sessions" SET "_data" = $1, "user_id" = $2, "remote_addr" = $3, "user_agent" = $4, "_version" = ("sessions"."_version" + $5) WHERE (((("sessions"."id" = $6) AND ("sessions"."_uuid" = $7)) AND ("sessions"."expires_at" > $8)) AND ("sessions"."_version" = $9));
