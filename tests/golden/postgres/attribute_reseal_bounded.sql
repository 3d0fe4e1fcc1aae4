-- The same, one at a time: one is left.
SELECT "session_attributes"."session_id", "session_attributes"."name", "session_attributes"."sealed" FROM "session_attributes" WHERE (("session_attributes"."sealed" IS NOT NULL) AND ((substr("session_attributes"."sealed", $1, $2) != $3) OR (substr("session_attributes"."sealed", $4, $5) IS NULL))) ORDER BY "session_attributes"."session_id", "session_attributes"."name" LIMIT $6;
-- BEGIN
UPDATE "session_attributes" SET "sealed" = $1 WHERE ((("session_attributes"."session_id" = $2) AND ("session_attributes"."name" = $3)) AND ("session_attributes"."sealed" = $4));
-- COMMIT
SELECT COUNT(*) FROM "session_attributes" WHERE (("session_attributes"."sealed" IS NOT NULL) AND ((substr("session_attributes"."sealed", $1, $2) != $3) OR (substr("session_attributes"."sealed", $4, $5) IS NULL)));
