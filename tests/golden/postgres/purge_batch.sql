-- Expired sessions, at most so many.
DELETE FROM "sessions" WHERE "sessions"."id" = ANY(ARRAY(SELECT "expired"."id" FROM "sessions" AS "expired" WHERE ("expired"."expires_at" <= $1) ORDER BY "expired"."expires_at", "expired"."id" LIMIT $2 FOR UPDATE SKIP LOCKED));
