-- How many there are.
SELECT COUNT(*) FROM `sessions` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`expires_at` > ?));
