//! The engine's settings: what loses commits, cuts values off, or makes writes slow.

use chrono::TimeDelta;
use diesel_sessions::Timestamp6;

use super::finding::Findings;
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

/// From here on updates say something about the rest.
const ENOUGH_UPDATES: i64 = 1_000;

/// Looks at the settings. Gives the share of HOT updates, where the engine counts them.
pub(super) fn check(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    findings: &mut Findings,
) -> Result<Option<f64>, Failure> {
    match layout.engine {
        Engine::Sqlite => sqlite(database, findings).map(|()| None),
        Engine::Mysql => mysql(database, now, findings).map(|()| None),
        Engine::Postgres => {
            postgres(database, now, findings)?;
            storage(database, layout, findings)
        }
    }
}

/// What a file remembers. Each connection sets the rest for itself: `SqliteCustomizer` does.
fn sqlite(database: &mut Database, findings: &mut Findings) -> Result<(), Failure> {
    if let Some(row) = database.row(&Statement::new("SELECT journal_mode FROM pragma_journal_mode"))? {
        let mode = row.text("journal_mode")?;
        if !matches!(mode, "wal" | "memory") {
            findings.advice(
                "setting",
                "journal_mode",
                format!("it is {mode}: readers and writers block each other"),
                "PRAGMA journal_mode = WAL, once; SqliteCustomizer sets it, with what each connection has to set for itself",
            );
        }
    }
    Ok(())
}

fn mysql(database: &mut Database, now: Timestamp6, findings: &mut Findings) -> Result<(), Failure> {
    let sql = "SELECT @@GLOBAL.sql_mode AS modes, CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS SIGNED) AS flush, UTC_TIMESTAMP(6) AS clock";
    let Some(row) = database.row(&Statement::new(sql))? else { return Ok(()) };
    strictness(row.text("modes")?, findings);
    if row.integer("flush")? != 1 {
        findings.warning(
            "setting",
            "innodb_flush_log_at_trx_commit",
            "it is not 1: an acknowledged revoke may be lost in a crash",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1, unless you accept that",
        );
    }
    clock(row.maybe_time("clock")?, now, findings);
    Ok(())
}

/// What the server begins each connection with. The application's own connections are not to be seen from here.
fn strictness(modes: &str, findings: &mut Findings) {
    let is_strict = |mode: &str| matches!(mode, "STRICT_TRANS_TABLES" | "STRICT_ALL_TABLES" | "TRADITIONAL");
    if !modes.split(',').any(is_strict) {
        findings.warning(
            "setting",
            "sql_mode",
            "the server is not strict: a connection that does not make itself strict has its values cut off silently",
            "add STRICT_TRANS_TABLES to the server's sql_mode; where each connection of the application sets it, all is well: \
             --fail-on error",
        );
    }
}

fn postgres(database: &mut Database, now: Timestamp6, findings: &mut Findings) -> Result<(), Failure> {
    let sql = "SELECT current_setting('transaction_read_only') AS read_only, current_setting('synchronous_commit') AS flush, \
               clock_timestamp() AS clock";
    let Some(row) = database.row(&Statement::new(sql))? else { return Ok(()) };
    if row.text("read_only")? == "on" {
        findings.error("setting", "transaction_read_only", "transactions are read-only here", "connect to the primary");
    }
    if row.text("flush")? == "off" {
        findings.warning(
            "setting",
            "synchronous_commit",
            "it is off: an acknowledged revoke may be lost in a crash",
            "set it on for the role or database that sessions use, unless you accept that",
        );
    }
    clock(row.maybe_time("clock")?, now, findings);
    Ok(())
}

/// Sessions live by the clocks of the machines that use them.
fn clock(server: Option<Timestamp6>, now: Timestamp6, findings: &mut Findings) {
    let Some(server) = server else { return };
    let apart = (server.to_utc() - now.to_utc()).abs();
    if apart > TimeDelta::seconds(10) {
        findings.advice(
            "clock",
            "this machine",
            format!("its clock and the server's are {} seconds apart", apart.num_seconds()),
            "sessions begin and end by the clocks of the application's machines: keep all of them in step, by NTP for instance",
        );
    }
}

/// How the table is stored, and how it is written to.
fn storage(database: &mut Database, layout: &Layout, findings: &mut Findings) -> Result<Option<f64>, Failure> {
    let sql = "SELECT array_to_string(c.reloptions, ',') AS options, COALESCE(s.n_tup_upd, 0) AS updates, \
                      COALESCE(s.n_tup_hot_upd, 0) AS hot, COALESCE(s.n_live_tup, 0) AS live, COALESCE(s.n_dead_tup, 0) AS dead \
               FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid = to_regclass(?)";
    let Some(row) = database.row(&Statement::new(sql).bind(layout.sessions()))? else { return Ok(None) };
    let table = &layout.table.name;
    let options = row.maybe_text("options")?.unwrap_or_default();
    let option = |name: &str| options.split(',').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    let fillfactor: i64 = option("fillfactor").and_then(|(_, value)| value.parse().ok()).unwrap_or(100);
    if fillfactor > 90 {
        findings.advice(
            "fillfactor",
            table,
            format!("its fillfactor is {fillfactor}: a page has no room for the new version of a row"),
            format!("ALTER TABLE {} SET (fillfactor = 85)", layout.sessions()),
        );
    }
    if option("autovacuum_enabled").is_some_and(|(_, value)| matches!(value, "false" | "off" | "0" | "no")) {
        let advice = format!("ALTER TABLE {} RESET (autovacuum_enabled)", layout.sessions());
        findings.warning("vacuum", table, "autovacuum is off for it, and every save leaves a dead row", advice);
    }
    let (live, dead) = (row.integer("live")?, row.integer("dead")?);
    if dead > live && dead > 10_000 {
        findings.warning(
            "vacuum",
            table,
            format!("it has {dead} dead rows and {live} live ones"),
            format!("VACUUM {}", layout.sessions()),
        );
    }
    let (updates, hot) = (row.integer("updates")?, row.integer("hot")?);
    if updates == 0 {
        return Ok(None);
    }
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = hot as f64 / updates as f64;
    if updates >= ENOUGH_UPDATES && share < 0.5 {
        findings.warning(
            "hot",
            table,
            format!("{:.0} % of its {updates} updates were HOT: the others wrote to every index", share * 100.0),
            format!(
                "lower its fillfactor, and drop indices on what a save writes; after a migration that wrote every row, SELECT \
                 pg_stat_reset_single_table_counters({}::regclass) counts anew",
                literal(&layout.sessions())
            ),
        );
    }
    Ok(Some(share))
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::sessions::Severity;

    #[test]
    fn a_server_that_is_not_strict_is_a_warning_as_connections_may_be() {
        let severities = |modes: &str| -> Vec<Severity> {
            let mut findings = Findings::default();
            strictness(modes, &mut findings);
            findings.sorted().into_iter().map(|finding| finding.severity).collect()
        };
        assert_eq!(severities("ONLY_FULL_GROUP_BY"), [Severity::Warning]);
        assert_eq!(severities(""), [Severity::Warning]);
        for strict in ["STRICT_TRANS_TABLES", "NO_ZERO_DATE,STRICT_ALL_TABLES"] {
            assert_eq!(severities(strict), []);
        }
    }
}
