-- How many there are.
SELECT COUNT(*) FROM "sessions" WHERE (("sessions"."user_id" = $1) AND ("sessions"."expires_at" > $2));
