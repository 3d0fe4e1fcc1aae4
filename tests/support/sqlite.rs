//! SQLite: a file in a directory of the test's own. In memory, locking would not show.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_sessions::migrations;
use diesel_sessions::plain::sqlite::PlainSession;

use super::Db;

/// A file that is removed with its directory.
pub struct Sqlite {
    dir: tempfile::TempDir,
}

super::plain!(sqlite);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl Db for Sqlite {
    type Conn = SqliteConnection;
    type Model = PlainSession;
    const NAME: &'static str = "sqlite";

    fn fresh() -> Option<Self> {
        let db = Self::empty()?;
        Self::migrate(&mut db.connect());
        Some(db)
    }

    fn empty() -> Option<Self> {
        Some(Sqlite { dir: tempfile::tempdir().unwrap() })
    }

    fn connect(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.url()).unwrap();
        conn.batch_execute(
            "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON",
        )
        .unwrap();
        conn
    }

    fn url(&self) -> String {
        self.dir.path().join("test.sqlite3").display().to_string()
    }

    fn migrate(conn: &mut SqliteConnection) {
        migrations::run(conn).unwrap();
    }

    fn texts(conn: &mut SqliteConnection, sql: &str) -> Vec<Option<String>> {
        // A CTE names the first column whatever the query calls it.
        let sql = format!("WITH answer(value) AS ({sql}) SELECT CAST(value AS TEXT) AS value FROM answer");
        diesel::sql_query(sql).load::<Row>(conn).unwrap().into_iter().map(|row| row.value).collect()
    }
}
