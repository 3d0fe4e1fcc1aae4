-- Two attributes.
-- BEGIN
UPDATE (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) LIMIT ? FOR UPDATE) AS live STRAIGHT_JOIN `session_attributes` FORCE INDEX (PRIMARY) ON `session_attributes`.`session_id` = live.`id` SET `expires_at` = ? WHERE ((`session_attributes`.`name` IN (?, ?)) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?)));
-- COMMIT
