-- A session that was rotated a moment ago: the one that it once was.
DELETE FROM `sessions` WHERE (`sessions`.`id` = ?);
