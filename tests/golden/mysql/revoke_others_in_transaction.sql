-- The same within the caller's transaction.
-- SAVEPOINT diesel_savepoint_1
UPDATE `sessions` SET `_uuid` = ?, `_previous_uuid` = ?, `rotated_at` = ?, `_version` = (`sessions`.`_version` + ?) WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = ?)) AND (`sessions`.`expires_at` > ?));
DELETE FROM `sessions` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`id` != ?));
-- RELEASE SAVEPOINT diesel_savepoint_1
