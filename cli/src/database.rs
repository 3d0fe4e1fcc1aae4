//! The live database, whichever engine it is: statements whose names are only known when the tool runs.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) mod row;
pub(crate) mod statement;
pub(crate) mod url;

use std::fmt;

use clap::ValueEnum;
#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
#[cfg(feature = "sqlite")]
use diesel::SqliteConnection;
use diesel::connection::{Connection, SimpleConnection, TransactionManager};

use crate::args::tables::DatabaseUrl;
use crate::failure::Failure;
use row::Row;
use statement::Statement;
use url::Place;

/// How often a statement or a transaction is tried when the database resolves a deadlock with it.
const MAX_TRIES: usize = 10;

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
    /// MySQL or MariaDB
    Mysql,
}

impl Engine {
    /// The feature that builds it in.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
            Engine::Mysql => "mysql",
        }
    }

    /// A name of the database's as SQL writes it: the one function that quotes.
    pub(crate) fn quoted(self, name: &str) -> String {
        match self {
            Engine::Postgres | Engine::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
            Engine::Mysql => format!("`{}`", name.replace('`', "``")),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
            Engine::Mysql => "MySQL",
        })
    }
}

/// A connection.
pub(crate) struct Database {
    connection: AnyConnection,
    place: String,
    /// Nothing is tried again within one.
    in_transaction: bool,
}

enum AnyConnection {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    Mysql(MysqlConnection),
}

/// Runs one expression on the connection, whichever it is.
macro_rules! on {
    ($database:expr, $conn:ident => $answer:expr) => {
        match &mut $database.connection {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite($conn) => $answer,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres($conn) => $answer,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql($conn) => $answer,
        }
    };
}

/// Runs one expression with the module of the engine and its connection.
macro_rules! by_engine {
    ($database:expr, $engine:ident, $conn:ident => $answer:expr) => {
        match &mut $database.connection {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite($conn) => {
                use sqlite as $engine;
                $answer
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres($conn) => {
                use postgres as $engine;
                $answer
            }
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql($conn) => {
                use mysql as $engine;
                $answer
            }
        }
    };
}

impl Database {
    /// Connects. No message holds the URL's password.
    pub(crate) fn connect(url: &DatabaseUrl) -> Result<Self, Failure> {
        let place = Place::of(url)?;
        let refused = |error: diesel::ConnectionError| Failure::Connect {
            place: place.to_string(),
            reason: place.scrubbed(&error.to_string()),
        };
        let connection = match place.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite => {
                place.check_file()?;
                AnyConnection::Sqlite(SqliteConnection::establish(&url.0).map_err(refused)?)
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres => AnyConnection::Postgres(PgConnection::establish(&url.0).map_err(refused)?),
            #[cfg(feature = "mysql")]
            Engine::Mysql => AnyConnection::Mysql(MysqlConnection::establish(&url.0).map_err(refused)?),
            #[allow(unreachable_patterns, reason = "depends on the features")]
            engine => return Err(Failure::EngineNotBuilt(engine)),
        };
        let mut database = Database { connection, place: place.to_string(), in_transaction: false };
        by_engine!(database, engine, conn => engine::SETTINGS.iter().try_for_each(|setting| conn.batch_execute(setting)))?;
        Ok(database)
    }

    /// Which engine.
    pub(crate) fn engine(&self) -> Engine {
        match &self.connection {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => Engine::Postgres,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => Engine::Mysql,
        }
    }

    /// Where it is, for messages: without user and password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// How many rows a statement has changed. Where the database has resolved a deadlock with it, it is sent again.
    pub(crate) fn execute(&mut self, statement: &Statement) -> Result<usize, Failure> {
        let mut tries = 1;
        loop {
            let result = by_engine!(self, engine, conn => engine::execute(conn, statement)).map_err(Failure::from);
            match result {
                Err(failure) if !self.in_transaction && tries < MAX_TRIES && failure.is_transient() => tries += 1,
                done => return done,
            }
        }
    }

    /// All rows that a query gives: only for queries with a bound.
    pub(crate) fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        Ok(by_engine!(self, engine, conn => engine::rows(conn, statement))?)
    }

    /// The first row that a query gives.
    pub(crate) fn row(&mut self, statement: &Statement) -> Result<Option<Row>, Failure> {
        Ok(self.rows(statement)?.into_iter().next())
    }

    /// Statements without parameters and without an answer, separated by semicolons.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        Ok(on!(self, conn => conn.batch_execute(sql))?)
    }

    /// Does all of it, or nothing. SQLite takes the right to write at once, since it cannot wait for it later. Where the database
    /// has resolved a deadlock with it, it is done again: the work changes nothing but the database.
    pub(crate) fn transaction<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut tries = 1;
        loop {
            match self.transaction_once(&mut work) {
                Err(failure) if tries < MAX_TRIES && failure.is_transient() => tries += 1,
                done => return done,
            }
        }
    }

    fn transaction_once<T>(&mut self, work: &mut impl FnMut(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        by_engine!(self, engine, conn => engine::begin(conn))?;
        self.in_transaction = true;
        let result = work(self);
        self.in_transaction = false;
        match result {
            Ok(done) => {
                on!(self, conn => commit(conn))?;
                Ok(done)
            }
            Err(failure) => {
                // What went wrong first is what matters.
                on!(self, conn => roll_back(conn)).ok();
                Err(failure)
            }
        }
    }
}

fn commit<C: Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::commit_transaction(conn)
}

fn roll_back<C: Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::rollback_transaction(conn)
}
