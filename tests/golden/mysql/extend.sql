-- The idle time starts anew.
UPDATE `sessions` SET `last_seen_at` = ?, `expires_at` = ? WHERE (((((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) AND (`sessions`.`_version` = ?)) AND (`sessions`.`last_seen_at` <= ?));
