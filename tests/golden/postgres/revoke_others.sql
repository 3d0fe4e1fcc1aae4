-- This session gets a new token, the owner's others end.
-- BEGIN
UPDATE "sessions" SET "_uuid" = $1, "_previous_uuid" = $2, "rotated_at" = $3, "_version" = ("sessions"."_version" + $4) WHERE (((("sessions"."id" = $5) AND ("sessions"."_uuid" = $6)) AND ("sessions"."expires_at" > $7)) AND  NOT (EXISTS (SELECT "another_session"."id" FROM "sessions" AS "another_session" WHERE ("another_session"."_uuid" = $8))));
DELETE FROM "sessions" WHERE (("sessions"."user_id" = $1) AND ("sessions"."id" != $2));
-- COMMIT
