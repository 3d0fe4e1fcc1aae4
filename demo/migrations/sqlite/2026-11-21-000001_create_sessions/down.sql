-- Drops both tables with their indices and the trigger. Signs everyone out.

DROP TRIGGER sessions_delete_attributes;
DROP TABLE session_attributes;
DROP TABLE sessions;
