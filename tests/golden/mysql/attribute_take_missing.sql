-- There is none of that name.
-- BEGIN
SELECT `session_attributes`.`name`, `session_attributes`.`value`, `session_attributes`.`sealed`, `session_attributes`.`created_at`, `session_attributes`.`updated_at`, `session_attributes`.`expires_at` FROM (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) LIMIT ? FOR UPDATE) AS live STRAIGHT_JOIN `session_attributes` FORCE INDEX (PRIMARY) ON `session_attributes`.`session_id` = live.`id` WHERE ((`session_attributes`.`name` = ?) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?))) FOR UPDATE;
-- COMMIT
SELECT `sessions`.`_uuid`, `sessions`.`expires_at` FROM `sessions` WHERE (`sessions`.`id` = ?) FOR UPDATE;
