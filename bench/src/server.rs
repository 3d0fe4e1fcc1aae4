//! What PostgreSQL tells of itself.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};

/// A connection that asks a database for its statistics.
pub struct Statistics {
    conn: PgConnection,
}

/// What a database was sent since the last reset: from pg_stat_statements.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Sent {
    /// Executions.
    #[diesel(sql_type = Double)]
    pub statements: f64,
    /// Rows that INSERT, UPDATE and DELETE have written.
    #[diesel(sql_type = Double)]
    pub written: f64,
    /// Bytes of write-ahead log.
    #[diesel(sql_type = Double)]
    pub wal_bytes: f64,
}

/// Updates of the table of sessions: from pg_stat_user_tables.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Updates {
    #[diesel(sql_type = BigInt)]
    pub all: i64,
    /// Those that left the indices alone.
    #[diesel(sql_type = BigInt)]
    pub hot: i64,
}

impl Statistics {
    pub fn of(url: &str) -> Self {
        Statistics { conn: PgConnection::establish(url).expect("PostgreSQL answers") }
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        self.conn.batch_execute("SELECT pg_stat_statements_reset()").expect("a superuser may");
    }

    /// What was sent since then, this connection's own questions left out.
    pub fn sent(&mut self) -> Sent {
        diesel::sql_query(
            "SELECT coalesce(sum(calls), 0)::float8 AS statements,
                    coalesce(sum(rows) FILTER (WHERE query !~* '^\\s*SELECT'), 0)::float8 AS written,
                    coalesce(sum(wal_bytes), 0)::float8 AS wal_bytes
             FROM pg_stat_statements
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query !~ 'pg_stat'",
        )
        .get_result(&mut self.conn)
        .expect("the extension is there")
    }

    /// How long the longest statement of this beginning took, in milliseconds.
    pub fn longest(&mut self, like: &str) -> f64 {
        let longest = diesel::dsl::sql::<Double>(
            "SELECT max(max_exec_time) FROM pg_stat_statements
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE ",
        );
        longest.bind::<diesel::sql_types::Text, _>(like).get_result(&mut self.conn).expect("such a statement was sent")
    }

    /// The updates so far. A connection reports its own when it is idle or closed; ask when the others are closed.
    pub fn updates(&mut self) -> Updates {
        diesel::sql_query("SELECT n_tup_upd AS \"all\", n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'sessions'")
            .get_result(&mut self.conn)
            .expect("the table is there")
    }
}
