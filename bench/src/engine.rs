//! The three engines: a database with the library's tables and so many sessions in it, and who works on it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;
use diesel::{
    BoolExpressionMethods, Connection, ExpressionMethods, MysqlConnection, PgConnection, QueryDsl, RunQueryDsl, SqliteConnection,
};
use diesel_sessions::{DbAttributes, DbOwnedSession, SessionModel, SessionRepository, migrations, plain};
use tower_sessions_sqlx_store::sqlx::{
    ConnectOptions, MySqlPool, PgPool, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tower_sessions_sqlx_store::{MySqlStore, PostgresStore, SqliteStore};

use crate::floor::{Floor, Key, mariadb::MariadbFloor, postgres::PostgresFloor, sqlite::SqliteFloor};
use crate::ground::Ground;
use crate::payload::token;

/// How long the sessions have: longer than a run, so that no touch is due unless it is what is measured.
pub const IDLE: std::time::Duration = std::time::Duration::from_secs(12 * 3_600);

/// Sessions of one owner: of ten thousand in a row, each 2,000th is the same user's.
pub const SESSIONS_OF_OWNER: usize = 5;

/// An engine, and who works on it.
pub trait Engine: 'static {
    /// What it is called in the results.
    const NAME: &'static str;
    /// Whether it runs within the process of its client.
    const IS_EMBEDDED: bool;
    /// Diesel's connection.
    type Conn: R2D2Connection + Migrate + 'static;
    /// The model that the library brings for it.
    type Model: SessionModel<Owner = i64, Connection = Self::Conn> + DbAttributes<Self::Conn> + DbOwnedSession<Self::Conn>;
    /// The floor.
    type Floor: Floor;
    /// tower-sessions-sqlx-store.
    type Rival: tower_sessions::SessionStore + Clone;

    /// A new database; gives its address.
    fn new_database(ground: &Ground, name: &str) -> String;

    /// A connection with the settings that the library's customizers give it.
    fn connect(url: &str) -> Self::Conn;

    /// The statement that inserts sessions number `from + 1` to `to`, last seen at `now`, all alike but for the digest and the owner.
    fn insert(from: u64, to: u64, data: &str, now: DateTime<Utc>) -> String;

    /// From now on this connection's commits wait for the disk, as the engine and the library's customizers have it by default.
    fn flush_at_commit(conn: &mut Self::Conn);

    /// Goes on with as much of a cache as SQLite has by default; servers have one of their own.
    fn default_cache(_conn: &mut Self::Conn) {}

    /// What a database needs after many rows were inserted at once.
    fn settle(conn: &mut Self::Conn);

    /// The same look-up by Diesel alone, into a tuple of the columns' ordinary types, as an application would write it.
    fn by_diesel(conn: &mut Self::Conn, digest: uuid::Uuid, now: DateTime<Utc>);

    /// The rival's store in the same database, with its table, on so many connections.
    fn rival(ground: &Ground, name: &str, connections: u32) -> impl Future<Output = Self::Rival>;
}

/// A database with sessions.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name among the databases of its engine.
    pub name: String,
    /// Its address for Diesel.
    pub url: String,
    /// When its sessions were made.
    pub now: DateTime<Utc>,
    /// How many there are, with the tokens of [`token`] 1 and up.
    pub rows: u64,
}

impl Place {
    /// Makes a database with the tables of the library's migration and `rows` sessions of `data`.
    pub fn fill<E: Engine>(ground: &Ground, name: &str, rows: u64, data: &str) -> Self {
        let url = E::new_database(ground, name);
        let mut conn = E::connect(&url);
        conn.migrate();
        let mut place = Place { name: name.to_owned(), url, now: Utc::now(), rows: 0 };
        place.grow::<E>(rows, data);
        place
    }

    /// The same for another contender: on a server the very database, on SQLite a file of its own. Connections of one process to
    /// one file share its locks, and whose were taken first decides who waits for the system.
    pub fn beside<E: Engine>(&self, ground: &Ground, who: &str, data: &str) -> Self {
        if E::IS_EMBEDDED { Self::fill::<E>(ground, &format!("{}_{who}", self.name), self.rows, data) } else { self.clone() }
    }

    /// The same, elsewhere: a file of SQLite's is copied, to other pages of the memory, and the first is removed; a server's database
    /// stays as it is.
    pub fn anew<E: Engine>(&self, ground: &Ground, name: &str) -> Self {
        if !E::IS_EMBEDDED {
            return self.clone();
        }
        let url = E::new_database(ground, name);
        std::fs::copy(&self.url, &url).expect("there is room on the disk");
        std::fs::remove_file(&self.url).expect("nobody has opened it");
        Place { name: name.to_owned(), url, ..self.clone() }
    }

    /// Inserts more sessions, up to `rows` in all.
    pub fn grow<E: Engine>(&mut self, rows: u64, data: &str) {
        const AT_ONCE: u64 = 100_000;
        let mut conn = E::connect(&self.url);
        while self.rows < rows {
            let to = rows.min(self.rows + AT_ONCE);
            conn.batch_execute(&E::insert(self.rows, to, data, self.now)).expect("the rows are new");
            self.rows = to;
        }
        E::settle(&mut conn);
    }

    /// Numbers of `count` sessions, spread over all of them.
    pub fn numbers(&self, count: u64) -> Vec<u64> {
        (0..count).map(|which| which * (self.rows / count) + 1).collect()
    }

    /// The floor, at this database, for these sessions.
    pub fn floor<E: Engine>(&self, numbers: &[u64]) -> E::Floor {
        let key = |number: &u64| Key { id: *number as i64, digest: *token(*number).digest().as_uuid().as_bytes() };
        E::Floor::open(&self.url, numbers.iter().map(key).collect(), self.now)
    }
}

/// The values of the cookies of these sessions.
pub fn cookies(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| token(*number).reveal().to_owned()).collect()
}

/// The repository as README shows it, with an idle time that lasts longer than a run.
pub fn repository<E: Engine>() -> SessionRepository<E::Model> {
    let builder = SessionRepository::<E::Model>::builder();
    builder.idle_timeout(IDLE).absolute_timeout(None).build().expect("settings that go together")
}

/// Connections that the library's migrations run on.
pub trait Migrate {
    fn migrate(&mut self);
}

macro_rules! migrate {
    ($($conn:ty),*) => {$(
        impl Migrate for $conn {
            fn migrate(&mut self) {
                migrations::run(self).expect("the database is new");
            }
        }
    )*};
}
migrate!(SqliteConnection, PgConnection, MysqlConnection);

/// All columns of a session, in two halves: Diesel's traits for tuples end at sixteen unless asked for more.
macro_rules! halves {
    ($sessions:ident) => {{
        use $sessions::*;
        let identity = (id, _uuid, _previous_uuid, _data, _version, created_at, authenticated_at, rotated_at);
        let rest = (last_seen_at, expires_at, deadline_at, idle_timeout, persistent, user_id, remote_addr, user_agent);
        (identity, rest)
    }};
}

/// SQLite.
#[derive(Debug)]
pub enum Sqlite {}

/// PostgreSQL.
#[derive(Debug)]
pub enum Postgres {}

/// MariaDB.
#[derive(Debug)]
pub enum Mariadb {}

/// Room for 256 MiB of a file, which is all of each here. All connections of a process push each other's pages out of one cache, as
/// SQLite is built here, and whoever was first to fill it would be the fastest.
const CACHE: &str = "PRAGMA cache_size = -262144";

const COLUMNS: &str =
    "(id, _uuid, _data, created_at, last_seen_at, expires_at, idle_timeout, persistent, user_id, remote_addr, user_agent)";
const CLIENT: &str = "'203.0.113.7', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'";

fn times(now: DateTime<Utc>) -> (String, String) {
    let text = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    (text(now), text(now + TimeDelta::from_std(IDLE).expect("some hours")))
}

impl Engine for Sqlite {
    const NAME: &'static str = "SQLite";
    const IS_EMBEDDED: bool = true;
    type Conn = SqliteConnection;
    type Model = plain::sqlite::PlainSession;
    type Floor = SqliteFloor;
    type Rival = SqliteStore;

    fn new_database(ground: &Ground, name: &str) -> String {
        ground.new_sqlite(name)
    }

    fn connect(url: &str) -> SqliteConnection {
        use diesel::r2d2::CustomizeConnection;
        let mut conn = SqliteConnection::establish(url).expect("the directory is there");
        let customizer = diesel_sessions::SqliteCustomizer::new().synchronous(diesel_sessions::Synchronous::Normal);
        customizer.on_acquire(&mut conn).expect("it is a database");
        conn.batch_execute(CACHE).expect("anybody may");
        conn
    }

    fn insert(from: u64, to: u64, data: &str, now: DateTime<Utc>) -> String {
        use std::fmt::Write;
        let (now, end) = times(now);
        let mut sql = String::from("BEGIN;");
        for number in from + 1..=to {
            let (digest, owner) = (token(number).digest().as_uuid().to_string(), number % 2_000 + (number - 1) / 10_000 * 2_000);
            let row =
                format!("({number}, '{digest}', '{data}', '{now}', '{now}', '{end}', {}, 0, {owner}, {CLIENT})", IDLE.as_secs());
            if (number - from) % 100 == 1 {
                write!(sql, ";INSERT INTO sessions {COLUMNS} VALUES {row}").expect("a string takes all");
            } else {
                write!(sql, ",{row}").expect("a string takes all");
            }
        }
        sql + ";COMMIT"
    }

    fn flush_at_commit(conn: &mut SqliteConnection) {
        conn.batch_execute("PRAGMA synchronous = FULL").expect("it is no question");
    }

    fn default_cache(conn: &mut SqliteConnection) {
        conn.batch_execute("PRAGMA cache_size = -2000").expect("anybody may");
    }

    fn settle(conn: &mut SqliteConnection) {
        conn.batch_execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").expect("nobody else is there");
    }

    fn by_diesel(conn: &mut SqliteConnection, digest: uuid::Uuid, now: DateTime<Utc>) {
        use plain::sqlite::schema::sessions;
        type Time = chrono::NaiveDateTime;
        type Row = (
            (i32, String, Option<String>, String, i32, Time, Option<Time>, Option<Time>),
            (Time, Time, Option<Time>, Option<i32>, bool, Option<i64>, Option<String>, Option<String>),
        );
        let live = sessions::table
            .filter(sessions::_uuid.eq(digest.to_string()).and(sessions::expires_at.gt(now.naive_utc())))
            .select(halves!(sessions));
        live.first::<Row>(conn).expect("it is live");
    }

    async fn rival(ground: &Ground, name: &str, connections: u32) -> SqliteStore {
        let file = ground.dir().join(format!("{name}.sqlite3"));
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("cache_size", "-262144")
            .disable_statement_logging();
        let pool: SqlitePool =
            SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.expect("it is there");
        let store = SqliteStore::new(pool);
        store.migrate().await.expect("its table can be made");
        store
    }
}

impl Engine for Postgres {
    const NAME: &'static str = "PostgreSQL";
    const IS_EMBEDDED: bool = false;
    type Conn = PgConnection;
    type Model = plain::postgres::PlainSession;
    type Floor = PostgresFloor;
    type Rival = PostgresStore;

    fn new_database(ground: &Ground, name: &str) -> String {
        ground.new_postgres(name)
    }

    fn connect(url: &str) -> PgConnection {
        PgConnection::establish(url).expect("PostgreSQL answers")
    }

    fn insert(from: u64, to: u64, data: &str, now: DateTime<Utc>) -> String {
        let (now, end) = times(now);
        format!(
            "INSERT INTO sessions {COLUMNS}
             SELECT n, encode(substring(sha256(decode(lpad(to_hex(n), 64, '0'), 'hex')) FOR 16), 'hex')::uuid, '{data}',
                    '{now}+00', '{now}+00', '{end}+00', {}, FALSE, n % 2000 + (n - 1) / 10000 * 2000, {CLIENT}
             FROM generate_series({from} + 1, {to}) AS n",
            IDLE.as_secs()
        )
    }

    fn flush_at_commit(conn: &mut PgConnection) {
        conn.batch_execute("SET synchronous_commit = on").expect("anybody may");
    }

    fn settle(conn: &mut PgConnection) {
        conn.batch_execute("SELECT setval('sessions_id_seq', (SELECT max(id) FROM sessions))").expect("the sequence is there");
        conn.batch_execute("VACUUM ANALYZE sessions").expect("nobody else is there");
        conn.batch_execute("CHECKPOINT").expect("a superuser may");
    }

    fn by_diesel(conn: &mut PgConnection, digest: uuid::Uuid, now: DateTime<Utc>) {
        use plain::postgres::schema::sessions;
        type Time = DateTime<Utc>;
        type Row = (
            (i64, uuid::Uuid, Option<uuid::Uuid>, serde_json::Value, i32, Time, Option<Time>, Option<Time>),
            (Time, Time, Option<Time>, Option<i32>, bool, Option<i64>, Option<String>, Option<String>),
        );
        let live = sessions::table.filter(sessions::_uuid.eq(digest).and(sessions::expires_at.gt(now))).select(halves!(sessions));
        live.first::<Row>(conn).expect("it is live");
    }

    async fn rival(ground: &Ground, name: &str, connections: u32) -> PostgresStore {
        use tower_sessions_sqlx_store::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
        let options: PgConnectOptions = ground.postgres_url(name).parse().expect("an address");
        let options = options.disable_statement_logging();
        let pool: PgPool = PgPoolOptions::new().max_connections(connections).connect_with(options).await.expect("it answers");
        let store = PostgresStore::new(pool);
        store.migrate().await.expect("its table can be made");
        store
    }
}

impl Engine for Mariadb {
    const NAME: &'static str = "MariaDB";
    const IS_EMBEDDED: bool = false;
    type Conn = MysqlConnection;
    type Model = plain::mysql::PlainSession;
    type Floor = MariadbFloor;
    type Rival = MySqlStore;

    fn new_database(ground: &Ground, name: &str) -> String {
        ground.new_mariadb(name)
    }

    fn connect(url: &str) -> MysqlConnection {
        MysqlConnection::establish(url).expect("MariaDB answers")
    }

    fn insert(from: u64, to: u64, data: &str, now: DateTime<Utc>) -> String {
        let (now, end) = times(now);
        format!(
            "INSERT INTO sessions {COLUMNS}
             SELECT seq, INSERT(INSERT(INSERT(INSERT(digest, 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), '{data}',
                    '{now}', '{now}', '{end}', {}, FALSE, seq % 2000 + (seq - 1) DIV 10000 * 2000, {CLIENT}
             FROM (SELECT seq, LEFT(SHA2(UNHEX(LPAD(HEX(seq), 64, '0')), 256), 32) AS digest FROM seq_{}_to_{to}) AS numbered",
            IDLE.as_secs(),
            from + 1,
        )
    }

    /// On MariaDB every connection's: it is a setting of the server's. The measurement ends with its server.
    fn flush_at_commit(conn: &mut MysqlConnection) {
        conn.batch_execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1").expect("root may");
    }

    fn settle(conn: &mut MysqlConnection) {
        conn.batch_execute("ANALYZE TABLE sessions").expect("nobody else is there");
    }

    fn by_diesel(conn: &mut MysqlConnection, digest: uuid::Uuid, now: DateTime<Utc>) {
        use plain::mysql::schema::sessions;
        type Time = chrono::NaiveDateTime;
        type Row = (
            (i64, String, Option<String>, String, i32, Time, Option<Time>, Option<Time>),
            (Time, Time, Option<Time>, Option<i32>, bool, Option<i64>, Option<String>, Option<String>),
        );
        let live = sessions::table
            .filter(sessions::_uuid.eq(digest.to_string()).and(sessions::expires_at.gt(now.naive_utc())))
            .select(halves!(sessions));
        live.first::<Row>(conn).expect("it is live");
    }

    async fn rival(ground: &Ground, name: &str, connections: u32) -> MySqlStore {
        use tower_sessions_sqlx_store::sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
        let options: MySqlConnectOptions = ground.mariadb_url_of_sqlx(name).parse().expect("an address");
        let options = options.disable_statement_logging();
        let pool: MySqlPool =
            MySqlPoolOptions::new().max_connections(connections).connect_with(options).await.expect("it answers");
        let store = MySqlStore::new(pool).with_schema_name(name).expect("a name");
        store.migrate().await.expect("its table can be made");
        store
    }
}
