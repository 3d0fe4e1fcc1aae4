-- One of the owner's sessions.
DELETE FROM `sessions` WHERE ((`sessions`.`id` = ?) AND (`sessions`.`user_id` = ?));
