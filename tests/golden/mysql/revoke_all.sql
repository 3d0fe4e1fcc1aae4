-- All of the owner's sessions.
DELETE `sessions` FROM (SELECT `sessions`.`id` FROM `sessions` WHERE (`sessions`.`user_id` = ?) ORDER BY `sessions`.`id` LIMIT ? FOR UPDATE) AS locked STRAIGHT_JOIN `sessions` FORCE INDEX (PRIMARY) ON `sessions`.`id` = locked.`id` WHERE (`sessions`.`user_id` = ?);
