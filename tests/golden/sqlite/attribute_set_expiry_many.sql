-- Two attributes.
-- BEGIN
UPDATE `session_attributes` SET `expires_at` = ? WHERE (`session_attributes`.`session_id` IN (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?))) AND ((`session_attributes`.`name` IN (?, ?)) AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?))));
-- COMMIT
