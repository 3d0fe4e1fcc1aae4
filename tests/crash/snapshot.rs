//! Everything that is stored, to be compared: read with plain SQL, and through the library.

use std::collections::BTreeMap;

use diesel_sessions::{KnownTokens, SessionRepository};

use crate::durable::Durable;
use crate::support::Db;

/// What is stored at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<(&'static str, i64), Vec<Option<String>>>);

const TABLES: &[(&str, &[&str])] = &[
    (
        "sessions",
        &[
            "_uuid",
            "_previous_uuid",
            "_data",
            "_version",
            "created_at",
            "authenticated_at",
            "rotated_at",
            "last_seen_at",
            "expires_at",
            "deadline_at",
            "idle_timeout",
            "persistent",
            "user_id",
            "remote_addr",
            "user_agent",
        ],
    ),
    ("orders", &["session_id"]),
];

impl Snapshot {
    /// Reads every row.
    pub(crate) fn take<D: Db>(conn: &mut D::Conn) -> Self {
        let mut rows = BTreeMap::new();
        for (table, columns) in TABLES {
            for id in D::texts(conn, &format!("SELECT id FROM {table}")).into_iter().flatten() {
                let read = |column: &&str| D::text(conn, &format!("SELECT {column} FROM {table} WHERE id = {id}"));
                rows.insert((*table, id.parse().unwrap()), columns.iter().map(read).collect());
            }
        }
        Snapshot(rows)
    }
}

/// Which of the script's tokens open which row.
pub(crate) fn opened<D: Durable>(conn: &mut D::Conn, sessions: &SessionRepository<D::Model>) -> BTreeMap<u64, String> {
    let open = |number: u64| {
        let found = sessions.load(conn, KnownTokens::numbered(number).reveal()).unwrap()?;
        Some((number, found.row_id().map(|row| row.to_string())?))
    };
    (1..=MOST_TOKENS).filter_map(open).collect()
}

/// More than a run of the script draws.
const MOST_TOKENS: u64 = 120;
