-- An operator ends all sessions.
DELETE FROM "sessions";
