-- The same within the caller's transaction.
-- SAVEPOINT diesel_savepoint_1
UPDATE `sessions` SET `_uuid` = ?, `_previous_uuid` = ?, `rotated_at` = ?, `_version` = (`sessions`.`_version` + ?) WHERE ((((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = ?)) AND (`sessions`.`expires_at` > ?)) AND  NOT (EXISTS (SELECT `another_session`.`id` FROM `sessions` AS `another_session` WHERE (`another_session`.`_uuid` = ?))));
DELETE FROM `sessions` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`id` != ?));
-- RELEASE SAVEPOINT diesel_savepoint_1
