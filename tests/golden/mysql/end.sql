-- A stored session.
DELETE FROM `sessions` WHERE (`sessions`.`id` = ?);
