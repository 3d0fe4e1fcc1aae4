-- This session gets a new token, the owner's others end.
-- BEGIN
UPDATE `sessions` SET `_uuid` = ?, `_previous_uuid` = ?, `rotated_at` = ?, `_version` = (`sessions`.`_version` + ?) WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?));
DELETE `sessions` FROM (SELECT `sessions`.`id` FROM `sessions` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`id` != ?)) ORDER BY `sessions`.`id` LIMIT ? FOR UPDATE) AS locked STRAIGHT_JOIN `sessions` FORCE INDEX (PRIMARY) ON `sessions`.`id` = locked.`id` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`id` != ?));
-- COMMIT
