-- All of the owner's sessions but one.
DELETE FROM `sessions` WHERE ((`sessions`.`user_id` = ?) AND (`sessions`.`id` != ?));
