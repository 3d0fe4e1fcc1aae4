-- Two values of an older key: both are moved, and none is left.
SELECT "session_attributes"."session_id", "session_attributes"."name", "session_attributes"."sealed" FROM "session_attributes" WHERE (("session_attributes"."sealed" IS NOT NULL) AND ((substr("session_attributes"."sealed", $1, $2) != $3) OR (substr("session_attributes"."sealed", $4, $5) IS NULL))) ORDER BY "session_attributes"."session_id", "session_attributes"."name" LIMIT $6;
-- BEGIN
UPDATE "session_attributes" SET "sealed" = $1 WHERE ((("session_attributes"."session_id" = $2) AND ("session_attributes"."name" = $3)) AND ("session_attributes"."sealed" = $4));
UPDATE "session_attributes" SET "sealed" = $1 WHERE ((("session_attributes"."session_id" = $2) AND ("session_attributes"."name" = $3)) AND ("session_attributes"."sealed" = $4));
-- COMMIT
SELECT "session_attributes"."session_id", "session_attributes"."name", "session_attributes"."sealed" FROM "session_attributes" WHERE ((("session_attributes"."sealed" IS NOT NULL) AND ((substr("session_attributes"."sealed", $1, $2) != $3) OR (substr("session_attributes"."sealed", $4, $5) IS NULL))) AND (("session_attributes"."session_id" >= $6) AND (("session_attributes"."session_id" > $7) OR ("session_attributes"."name" > $8)))) ORDER BY "session_attributes"."session_id", "session_attributes"."name" LIMIT $9;
SELECT COUNT(*) FROM "session_attributes" WHERE (("session_attributes"."sealed" IS NOT NULL) AND ((substr("session_attributes"."sealed", $1, $2) != $3) OR (substr("session_attributes"."sealed", $4, $5) IS NULL)));
