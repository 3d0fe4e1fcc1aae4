-- Expired sessions, at most so many.
DELETE FROM `sessions` WHERE (`sessions`.`expires_at` <= ?) ORDER BY `sessions`.`expires_at`, `sessions`.`id` LIMIT ?;
