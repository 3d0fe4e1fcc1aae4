-- The engine's settings, then the tables with their columns.
SELECT @@SESSION.sql_mode;
SELECT @@GLOBAL.innodb_flush_log_at_trx_commit;
SELECT `sessions`.`id`, `sessions`.`_uuid`, `sessions`.`_previous_uuid`, `sessions`.`_data`, `sessions`.`_version`, `sessions`.`created_at`, `sessions`.`authenticated_at`, `sessions`.`rotated_at`, `sessions`.`last_seen_at`, `sessions`.`expires_at`, `sessions`.`deadline_at`, `sessions`.`idle_timeout`, `sessions`.`persistent`, `sessions`.`user_id`, `sessions`.`remote_addr`, `sessions`.`user_agent` FROM `sessions` WHERE ((`sessions`.`_uuid` = ?) AND (`sessions`.`expires_at` > ?));
SELECT `session_attributes`.`name`, `session_attributes`.`value`, `session_attributes`.`sealed`, `session_attributes`.`created_at`, `session_attributes`.`updated_at`, `session_attributes`.`expires_at` FROM `session_attributes` WHERE ((`session_attributes`.`session_id` = ?) AND (`session_attributes`.`name` = ?));
