-- A key was set.
UPDATE "sessions" SET "_data" = $1, "_version" = ("sessions"."_version" + $2) WHERE (((("sessions"."id" = $3) AND ("sessions"."_uuid" = $4)) AND ("sessions"."expires_at" > $5)) AND ("sessions"."_version" = $6));
