//! PostgreSQL: a database for each test, on the server that `TEST_POSTGRES_URL` names.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_sessions::migrations;
use diesel_sessions::plain::postgres::PlainSession;

use super::Db;

/// A database that is dropped with this value.
pub struct Postgres {
    admin: String,
    name: String,
}

super::plain!(postgres);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl Db for Postgres {
    type Conn = PgConnection;
    type Model = PlainSession;
    const NAME: &'static str = "postgres";

    fn fresh() -> Option<Self> {
        let db = Self::empty()?;
        Self::migrate(&mut db.connect());
        Some(db)
    }

    fn empty() -> Option<Self> {
        let admin = std::env::var("TEST_POSTGRES_URL").ok()?;
        let name = super::unique_name();
        let mut conn = PgConnection::establish(&admin).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Some(Postgres { admin, name })
    }

    fn connect(&self) -> PgConnection {
        let mut conn = PgConnection::establish(&self.url()).unwrap();
        conn.batch_execute("SET client_min_messages = warning").unwrap();
        conn
    }

    fn url(&self) -> String {
        let (server, _) = self.admin.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    fn migrate(conn: &mut PgConnection) {
        migrations::run(conn).unwrap();
    }

    fn texts(conn: &mut PgConnection, sql: &str) -> Vec<Option<String>> {
        let sql = format!("WITH answer(value) AS ({sql}) SELECT CAST(value AS TEXT) AS value FROM answer");
        diesel::sql_query(sql).load::<Row>(conn).unwrap().into_iter().map(|row| row.value).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let dropped = PgConnection::establish(&self.admin).map_err(|error| error.to_string()).and_then(|mut conn| {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).map_err(|error| error.to_string())
        });
        if let Err(error) = dropped {
            eprintln!("left behind {}: {error}", self.name);
        }
    }
}
