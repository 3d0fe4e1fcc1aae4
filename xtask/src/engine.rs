//! The database engines, in the one list that every chore walks.

/// A database engine that the library speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
}

impl Engine {
    /// All of them.
    pub(crate) const ALL: &[Engine] = &[Engine::Sqlite, Engine::Postgres, Engine::Mysql];

    /// The library's feature.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
            Engine::Mysql => "mysql",
        }
    }

    /// The variable that tells the tests where the server is; SQLite has none.
    pub(crate) fn url_variable(self) -> Option<&'static str> {
        match self {
            Engine::Sqlite => None,
            Engine::Postgres => Some("TEST_POSTGRES_URL"),
            Engine::Mysql => Some("TEST_MYSQL_URL"),
        }
    }
}
