-- Drops both tables with their indices. Signs everyone out.

DROP TABLE session_attributes;
DROP TABLE sessions;
