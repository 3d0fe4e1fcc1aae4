-- A live session gets a new token.
UPDATE `sessions` SET `_uuid` = ?, `_previous_uuid` = ?, `rotated_at` = ?, `_version` = (`sessions`.`_version` + ?) WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?));
