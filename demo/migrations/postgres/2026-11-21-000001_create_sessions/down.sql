-- Drops both tables with their indices and comments. Signs everyone out.

DROP TABLE session_attributes;
DROP TABLE sessions;
