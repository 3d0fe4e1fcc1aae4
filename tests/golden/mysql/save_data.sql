-- A key was set.
UPDATE `sessions` SET `_data` = ?, `_version` = (`sessions`.`_version` + ?) WHERE ((((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) AND (`sessions`.`_version` = ?));
