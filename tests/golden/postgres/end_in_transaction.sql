-- A row of the caller's open transaction: on SQLite its id may yet become another's.
DELETE FROM "sessions" WHERE ("sessions"."id" = $1);
