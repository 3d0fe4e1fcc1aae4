-- One expires, the other does not.
-- BEGIN
INSERT INTO `session_attributes` (`session_id`, `name`, `value`, `sealed`, `created_at`, `updated_at`, `expires_at`) SELECT live.`id`, given.name, given.value, given.sealed, CAST(? AS DATETIME(6)), CAST(? AS DATETIME(6)), given.expires_at FROM (SELECT `sessions`.`id` FROM `sessions` WHERE (((`sessions`.`id` = ?) AND (`sessions`.`_uuid` = coalesce(?, `sessions`.`_uuid`))) AND (`sessions`.`expires_at` > ?)) LIMIT ? FOR UPDATE) AS live, (SELECT CAST(? AS CHAR) AS name, CAST(? AS CHAR) AS value, CAST(? AS BINARY) AS sealed, CAST(? AS DATETIME(6)) AS expires_at UNION ALL SELECT CAST(? AS CHAR) AS name, CAST(? AS CHAR) AS value, CAST(? AS BINARY) AS sealed, CAST(? AS DATETIME(6)) AS expires_at) AS given WHERE TRUE;
-- COMMIT
