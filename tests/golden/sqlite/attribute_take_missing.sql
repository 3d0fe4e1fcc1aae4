-- There is none of that name.
-- BEGIN
DELETE FROM `session_attributes` WHERE (`session_attributes`.`session_id` IN (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?))) AND ((`session_attributes`.`name` = ?) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?)))) RETURNING `session_attributes`.`name`, `session_attributes`.`value`, `session_attributes`.`sealed`, `session_attributes`.`created_at`, `session_attributes`.`updated_at`, `session_attributes`.`expires_at`;
-- COMMIT
SELECT `sessions`.`_uuid`, `sessions`.`expires_at` FROM `sessions` WHERE (`sessions`.`id` = ?);
