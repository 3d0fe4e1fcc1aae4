//! MySQL and MariaDB: a database for each test, on the server that `TEST_MYSQL_URL` names.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_sessions::migrations;
use diesel_sessions::plain::mysql::PlainSession;

use super::Db;

/// A database that is dropped with this value.
pub struct Mysql {
    admin: String,
    name: String,
}

super::plain!(mysql);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl Db for Mysql {
    type Conn = MysqlConnection;
    type Model = PlainSession;
    const NAME: &'static str = "mysql";

    fn fresh() -> Option<Self> {
        let db = Self::empty()?;
        Self::migrate(&mut db.connect());
        Some(db)
    }

    fn empty() -> Option<Self> {
        let admin = std::env::var("TEST_MYSQL_URL").ok()?;
        let name = super::unique_name();
        let mut conn = MysqlConnection::establish(&admin).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Some(Mysql { admin, name })
    }

    fn connect(&self) -> MysqlConnection {
        MysqlConnection::establish(&self.url()).unwrap()
    }

    fn url(&self) -> String {
        let (server, _) = self.admin.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    fn migrate(conn: &mut MysqlConnection) {
        migrations::run(conn).unwrap();
    }

    fn texts(conn: &mut MysqlConnection, sql: &str) -> Vec<Option<String>> {
        // Without a limit, the order of a derived table is nobody's concern.
        let sql = format!("WITH answer(value) AS (({sql}) LIMIT 1000000) SELECT CAST(value AS CHAR) AS value FROM answer");
        diesel::sql_query(sql).load::<Row>(conn).unwrap().into_iter().map(|row| row.value).collect()
    }
}

impl Drop for Mysql {
    fn drop(&mut self) {
        let dropped = MysqlConnection::establish(&self.admin).map_err(|error| error.to_string()).and_then(|mut conn| {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {}", self.name)).map_err(|error| error.to_string())
        });
        if let Err(error) = dropped {
            eprintln!("left behind {}: {error}", self.name);
        }
    }
}
