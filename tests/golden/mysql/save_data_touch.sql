-- A key was set, and a touch is due.
UPDATE `sessions` SET `_data` = ?, `last_seen_at` = ?, `expires_at` = ?, `_version` = (`sessions`.`_version` + ?) WHERE (((((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) AND (`sessions`.`_version` = ?)) AND (`sessions`.`last_seen_at` <= ?));
