-- The other owner's row is deleted, and a new session begins.
-- BEGIN
DELETE FROM `sessions` WHERE (`sessions`.`id` = ?);
INSERT INTO `sessions` (`_uuid`, `_version`, `_data`, `created_at`, `authenticated_at`, `last_seen_at`, `expires_at`, `deadline_at`, `idle_timeout`, `persistent`, `user_id`, `remote_addr`, `user_agent`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
SELECT `sessions`.`id` FROM `sessions` WHERE (`sessions`.`_uuid` = ?);
-- COMMIT
