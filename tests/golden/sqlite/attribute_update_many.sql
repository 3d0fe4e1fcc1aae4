-- Two attributes.
-- BEGIN
UPDATE `session_attributes` SET `value` = given.value, `sealed` = given.sealed, `updated_at` = ?, `expires_at` = COALESCE(given.expires_at, `session_attributes`.`expires_at`) FROM (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?))) AS live, (SELECT ? AS name, ? AS value, ? AS sealed, ? AS expires_at UNION ALL SELECT ? AS name, ? AS value, ? AS sealed, ? AS expires_at) AS given WHERE `session_attributes`.`session_id` = live.`id` AND `session_attributes`.`name` = given.name AND ((`session_attributes`.`expires_at` IS NULL) OR (`session_attributes`.`expires_at` > ?));
-- COMMIT
