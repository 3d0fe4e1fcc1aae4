-- All of the owner's sessions.
DELETE FROM `sessions` WHERE (`sessions`.`user_id` = ?);
