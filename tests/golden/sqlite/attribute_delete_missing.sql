-- There is none of that name.
DELETE FROM `session_attributes` WHERE (`session_attributes`.`session_id` IN (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?))) AND ((`session_attributes`.`name` IN (?)) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?))));
SELECT `sessions`.`_uuid`, `sessions`.`expires_at` FROM `sessions` WHERE (`sessions`.`id` = ?);
