-- The caller's transaction is open.
-- SAVEPOINT diesel_savepoint_1
SELECT `session_attributes`.`name`, `session_attributes`.`value`, `session_attributes`.`sealed`, `session_attributes`.`created_at`, `session_attributes`.`updated_at`, `session_attributes`.`expires_at` FROM (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) LIMIT ? FOR UPDATE) AS live STRAIGHT_JOIN `session_attributes` FORCE INDEX (PRIMARY) ON `session_attributes`.`session_id` = live.`id` WHERE ((`session_attributes`.`name` = ?) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?))) FOR UPDATE;
DELETE FROM `session_attributes` WHERE ((`session_attributes`.`session_id` = ?) AND (`session_attributes`.`name` = ?));
-- RELEASE SAVEPOINT diesel_savepoint_1
