//! Everything that is stored, to be compared: read with plain SQL, and through the library.

use std::collections::BTreeMap;

use diesel_sessions::{KnownTokens, SessionRepository};

use crate::durable::Durable;

/// What is stored at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    rows: BTreeMap<(&'static str, i64), Vec<Option<String>>>,
    /// Column by column, since they are many. Of what is sealed, only by which key: its bytes are never the same.
    attributes: BTreeMap<&'static str, Vec<Option<String>>>,
}

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

const ATTRIBUTES: &[&str] = &["session_id", "name", "value", "created_at", "updated_at", "expires_at"];

impl Snapshot {
    /// Reads every row.
    pub(crate) fn take<D: Durable>(conn: &mut D::Conn) -> Self {
        let mut rows = BTreeMap::new();
        for (table, columns) in TABLES {
            for id in D::texts(conn, &format!("SELECT id FROM {table}")).into_iter().flatten() {
                let read = |column: &&str| D::text(conn, &format!("SELECT {column} FROM {table} WHERE id = {id}"));
                rows.insert((*table, id.parse().unwrap()), columns.iter().map(read).collect());
            }
        }
        let attributes = ATTRIBUTES.iter().copied().chain([D::SEALED_BY]).map(|column| {
            // Without the limit, MySQL would not keep to the order in a subquery.
            let sql = format!("SELECT {column} FROM session_attributes ORDER BY session_id, name LIMIT 10000");
            (column, D::texts(conn, &sql))
        });
        Snapshot { attributes: attributes.collect(), rows }
    }
}

/// Which of the script's tokens open which row, and the attributes that are in it.
pub(crate) fn opened<D: Durable>(conn: &mut D::Conn, sessions: &SessionRepository<D::Model>) -> BTreeMap<u64, String> {
    let open = |number: u64| {
        let found = sessions.load(conn, KnownTokens::numbered(number).reveal()).unwrap()?;
        let attributes = sessions.attributes(&found);
        let names = attributes.names(conn).unwrap();
        let values = attributes.get_many(conn, names).unwrap().into_iter();
        let values: BTreeMap<String, String> = values.map(|(name, value)| (name, format!("{:?}", value.unwrap()))).collect();
        Some((number, format!("{:?} {values:?}", found.row_id()?)))
    };
    (1..=MOST_TOKENS).filter_map(open).collect()
}

/// More than a run of the script draws.
const MOST_TOKENS: u64 = 120;
