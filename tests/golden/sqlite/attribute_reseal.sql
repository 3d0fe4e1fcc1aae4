-- Two values of an older key: both are moved, and none is left.
SELECT `session_attributes`.`session_id`, `session_attributes`.`name`, `session_attributes`.`sealed` FROM `session_attributes` WHERE ((`session_attributes`.`sealed` IS NOT NULL) AND ((substr(`session_attributes`.`sealed`, ?, ?) != ?) OR (substr(`session_attributes`.`sealed`, ?, ?) IS NULL))) ORDER BY `session_attributes`.`session_id`, `session_attributes`.`name` LIMIT ?;
-- BEGIN
UPDATE `session_attributes` SET `sealed` = ? WHERE ((`session_attributes`.`session_id` = ?) AND ((`session_attributes`.`name` = ?) AND (`session_attributes`.`sealed` = ?)));
UPDATE `session_attributes` SET `sealed` = ? WHERE ((`session_attributes`.`session_id` = ?) AND ((`session_attributes`.`name` = ?) AND (`session_attributes`.`sealed` = ?)));
-- COMMIT
SELECT `session_attributes`.`session_id`, `session_attributes`.`name`, `session_attributes`.`sealed` FROM `session_attributes` WHERE (((`session_attributes`.`sealed` IS NOT NULL) AND ((substr(`session_attributes`.`sealed`, ?, ?) != ?) OR (substr(`session_attributes`.`sealed`, ?, ?) IS NULL))) AND ((`session_attributes`.`session_id` >= ?) AND ((`session_attributes`.`session_id` > ?) OR (`session_attributes`.`name` > ?)))) ORDER BY `session_attributes`.`session_id`, `session_attributes`.`name` LIMIT ?;
SELECT COUNT(*) FROM `session_attributes` WHERE ((`session_attributes`.`sealed` IS NOT NULL) AND ((substr(`session_attributes`.`sealed`, ?, ?) != ?) OR (substr(`session_attributes`.`sealed`, ?, ?) IS NULL)));
