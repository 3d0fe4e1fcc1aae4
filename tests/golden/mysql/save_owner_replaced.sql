-- Another owner: the row is deleted, and a new session begins.
-- BEGIN
DELETE FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?));
INSERT INTO `sessions` (`_uuid`, `_version`, `_data`, `created_at`, `authenticated_at`, `last_seen_at`, `expires_at`, `deadline_at`, `idle_timeout`, `persistent`, `user_id`, `remote_addr`, `user_agent`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
SELECT `sessions`.`id` FROM `sessions` WHERE (`sessions`.`_uuid` = ?);
-- COMMIT
