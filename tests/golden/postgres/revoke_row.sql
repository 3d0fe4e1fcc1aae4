-- An operator ends a session.
DELETE FROM "sessions" WHERE ("sessions"."id" = $1);
