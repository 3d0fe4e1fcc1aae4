-- Expired sessions, at most so many.
DELETE FROM `sessions` WHERE (`sessions`.`id` IN (SELECT `expired`.`id` FROM `sessions` AS `expired` WHERE (`expired`.`expires_at` <= ?) ORDER BY `expired`.`expires_at`, `expired`.`id` LIMIT ?));
