//! Attributes of a model of the application's own: tables and columns under other names, row ids of 32 and of 64 bits.

use diesel_sessions::{
    DbAttributes, ErrorKind, Expiry, Keyring, ManualClock, Purged, SessionModel, SessionRepository, Timeouts, WriteOptions,
};
use serde_json::json;

use super::steps::{a, about, error};
use crate::life::steps::rolled_back;
use crate::mixin::table::{self, Owner};
use crate::support::{Db, noon, seconds, suite};

suite! {
    every_verb_works_on_tables_with_other_names,
    every_verb_works_with_row_ids_of_thirty_two_bits,
    attributes_of_other_tables_end_with_their_session,
    other_tables_are_written_in_transactions_and_in_hundreds,
    models_side_by_side_have_their_own_attributes,
}

/// The columns of the two tables, and what they are called here: words that SQL keeps for itself, and one with a space.
const RENAMED: [(&str, &str); 9] = [
    ("session_id", "group"),
    ("name", "key"),
    ("value", "order"),
    ("sealed", "lock box"),
    ("created_at", "from"),
    ("updated_at", "when"),
    ("expires_at", "limit"),
    ("id", "primary"),
    ("_uuid", "check"),
];

/// A name as an engine quotes it.
fn quoted<D: Db>(name: &str) -> String {
    if D::NAME == "mysql" { format!("`{name}`") } else { format!("\"{name}\"") }
}

/// The same model twice.
pub(crate) trait Tours: Db {
    /// Its row ids are `i64`.
    type Tour: DbAttributes<Self::Conn, RowId = i64>;
    /// Its row ids are `i32`.
    type Outing: DbAttributes<Self::Conn, RowId = i32>;
}

macro_rules! model {
    ($model:ident, $module:ident, $id:ty, $sql_id:ident, [$name:literal $notes:literal],
     [$uuid:ident $json:ident $time:ident $blob:ident], $($backend:tt)*) => {
        pub(crate) mod $module {
            diesel::table! {
                #[sql_name = $name]
                walks (id) {
                    #[sql_name = "primary"]
                    id -> $sql_id,
                    #[sql_name = "check"]
                    _uuid -> $uuid,
                    _previous_uuid -> Nullable<$uuid>, _data -> $json, _version -> Integer,
                    #[sql_name = "from"]
                    created_at -> $time,
                    authenticated_at -> Nullable<$time>, rotated_at -> Nullable<$time>, last_seen_at -> $time,
                    #[sql_name = "limit"]
                    expires_at -> $time,
                    deadline_at -> Nullable<$time>, idle_timeout -> Nullable<Integer>, persistent -> Bool,
                    walker -> Nullable<Integer>,
                }
            }
            diesel::table! {
                #[sql_name = $notes]
                remarks (session_id, name) {
                    #[sql_name = "group"]
                    session_id -> $sql_id,
                    #[sql_name = "key"]
                    name -> Text,
                    #[sql_name = "order"]
                    value -> Nullable<$json>,
                    #[sql_name = "lock box"]
                    sealed -> Nullable<$blob>,
                    #[sql_name = "from"]
                    created_at -> $time,
                    #[sql_name = "when"]
                    updated_at -> $time,
                    #[sql_name = "limit"]
                    expires_at -> Nullable<$time>,
                }
            }
            diesel::allow_tables_to_appear_in_same_query!(walks, remarks);

            #[derive(Debug, Clone, diesel::Queryable, diesel::Selectable, diesel_sessions::DbSession)]
            #[diesel(table_name = walks, check_for_backend($($backend)*))]
            #[session(attributes = remarks)]
            pub(crate) struct $model {
                pub(crate) id: $id,
                #[diesel(embed)]
                pub(crate) core: diesel_sessions::SessionCore<$model>,
                pub(crate) walker: Option<i32>,
            }
        }
    };
}

macro_rules! tours {
    ($feature:literal $engine:ident $db:ident $types:tt, $($backend:tt)*) => {
        #[cfg(feature = $feature)]
        pub(crate) mod $engine {
            use super::Tours;
            use crate::support::$db;

            model!(Tour, wide, i64, BigInt, ["tours" "notes on tours"], $types, $($backend)*);
            model!(Outing, narrow, i32, Integer, ["outings" "notes on outings"], $types, $($backend)*);

            impl Tours for $db {
                type Tour = wide::Tour;
                type Outing = narrow::Outing;
            }
        }
    };
}

mod models {
    use super::Tours;

    tours!("sqlite" sqlite Sqlite [Text Text Timestamp Binary], diesel::sqlite::Sqlite);
    tours!("postgres" postgres Postgres [Uuid Jsonb Timestamptz Bytea], diesel::pg::Pg);
    tours!("mysql" mysql Mysql [Char Longtext Datetime Longblob], diesel::mysql::Mysql);
}

/// The migration's tables under other names.
fn create_tables<D: Db>(conn: &mut D::Conn, name: &str, narrow: bool) {
    let quoted: Vec<_> = RENAMED.iter().map(|(old, new)| (*old, quoted::<D>(new))).collect();
    let mut renamed: Vec<_> = quoted.iter().map(|(old, new)| (*old, new.as_str())).collect();
    if narrow {
        renamed.push(("BIGINT", "INTEGER"));
    }
    table::create::<D>(conn, name, "walker INTEGER", Owner::Absent, &renamed);
    let notes = self::quoted::<D>(&format!("notes on {name}"));
    D::execute(conn, &format!("ALTER TABLE {name}_attributes RENAME TO {notes}"));
}

fn repository<M: SessionModel>() -> (SessionRepository<M>, ManualClock) {
    let clock = ManualClock::new(noon());
    let keyring = Keyring::new("2026-11", [7; 32]).unwrap();
    (SessionRepository::builder().clock(clock.clone()).timeouts(Timeouts::NEVER).keyring(keyring).build().unwrap(), clock)
}

/// The names in an attribute table, expired ones too.
fn names<D: Db>(conn: &mut D::Conn, name: &str) -> Vec<String> {
    let (key, notes) = (quoted::<D>("key"), quoted::<D>(&format!("notes on {name}")));
    let mut names: Vec<_> = D::texts(conn, &format!("SELECT {key} FROM {notes}")).into_iter().flatten().collect();
    names.sort();
    names
}

fn created<D: Db, M: DbAttributes<D::Conn>>(sessions: &SessionRepository<M>, conn: &mut D::Conn) -> diesel_sessions::Session<M> {
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    session
}

fn every_verb_works<D: Db, M: DbAttributes<D::Conn>>(db: &D, table: &str, narrow: bool) {
    let conn = &mut db.connect();
    create_tables::<D>(conn, table, narrow);
    let (sessions, clock) = repository::<M>();
    sessions.check(conn).unwrap();
    let mut session = created::<D, M>(&sessions, conn);
    let other = created::<D, M>(&sessions, conn);
    sessions.attributes(&other).set(conn, "a", "another session's").unwrap();
    let attributes = sessions.attributes(&session);

    attributes.create(conn, "a", 1).unwrap();
    assert_eq!(about(attributes.create(conn, "a", 2)), error(ErrorKind::AlreadyExists, "a"));
    attributes.create_many(conn, [a("b", 1).encrypted(), a("c", 1)], WriteOptions::new()).unwrap();
    let refused = attributes.create_many(conn, [a("d", 1), a("c", 2)], WriteOptions::new());
    assert_eq!(about(refused), error(ErrorKind::AlreadyExists, "c"));
    clock.advance(seconds(1));
    attributes.set(conn, "a", 2).unwrap();
    attributes.set_many(conn, [a("b", 2).encrypted(), a("c", 2).never(), a("d", 2)], WriteOptions::new()).unwrap();
    attributes.update(conn, "d", 3).unwrap();
    attributes.update_many(conn, [a("a", 3).expires_in(seconds(5)), a("b", 3), a("c", 3).never()], WriteOptions::new()).unwrap();
    let refused = attributes.update_many(conn, [a("a", 4), a("e", 4)], WriteOptions::new());
    assert_eq!(about(refused), error(ErrorKind::NotFound, "e"));
    attributes.update_with(conn, "b", "sealed", WriteOptions::new().encrypted()).unwrap();
    attributes.set_expiry(conn, "b", Expiry::In(seconds(9))).unwrap();
    attributes.set_expiry_many(conn, ["c", "d"], Expiry::In(seconds(5))).unwrap();

    assert_eq!(attributes.names(conn).unwrap(), ["a", "b", "c", "d"]);
    let entry = attributes.entry(conn, "b").unwrap().unwrap();
    assert_eq!((entry.value::<String>().unwrap(), entry.is_encrypted()), ("sealed".to_owned(), true));
    assert_eq!((entry.created_at(), entry.updated_at()), (noon(), noon() + seconds(1)));
    assert_eq!(entry.expires_at(), Some(noon() + seconds(10)));
    let values = attributes.get_many(conn, ["a", "b", "e"]).unwrap();
    let values: Vec<_> = values.into_values().map(Result::unwrap).collect();
    assert_eq!(values, [Some(json!(3)), Some(json!("sealed")), None]);
    assert_eq!(attributes.exists_many(conn, ["d", "e"]).unwrap().into_values().collect::<Vec<_>>(), [true, false]);
    assert_eq!(attributes.take(conn, "d").unwrap(), Some(3));
    assert_eq!(attributes.delete(conn, "c").unwrap(), 1);

    clock.advance(seconds(5));
    assert_eq!((attributes.names(conn).unwrap(), attributes.get_value(conn, "a").unwrap()), (vec!["b".to_owned()], None));
    assert_eq!(names::<D>(conn, table), ["a", "a", "b"]);
    attributes.create(conn, "a", 5).unwrap();
    clock.advance(seconds(5));
    assert_eq!(sessions.purge_batch(conn, 10).unwrap(), Purged { sessions: 0, attributes: 1 });
    assert_eq!(sessions.attributes_of(session.row_id().unwrap()).get(conn, "a").unwrap(), Some(5));
    sessions.rotate(conn, &mut session).unwrap();
    assert_eq!(about(attributes.set(conn, "a", 6)).0, ErrorKind::Rotated);
    assert_eq!(about(attributes.names(conn)).0, ErrorKind::Rotated);
    sessions.end(conn, &mut session).unwrap();
    assert_eq!(about(attributes.delete(conn, "a")).0, ErrorKind::Gone);
    assert_eq!(names::<D>(conn, table), ["a"]);
    assert_eq!(sessions.attributes(&other).get(conn, "a").unwrap(), Some("another session's".to_owned()));
}

// DESIGN 3: tables and columns may have other names
fn every_verb_works_on_tables_with_other_names<D: Tours>(db: &D) {
    every_verb_works::<D, D::Tour>(db, "tours", false);
}

// DESIGN 2: row ids may be i32 or i64
fn every_verb_works_with_row_ids_of_thirty_two_bits<D: Tours>(db: &D) {
    every_verb_works::<D, D::Outing>(db, "outings", true);
}

// S75
fn attributes_of_other_tables_end_with_their_session<D: Tours>(db: &D) {
    let conn = &mut db.connect();
    create_tables::<D>(conn, "tours", false);
    let (sessions, clock) = repository::<D::Tour>();
    for way in 0..4 {
        let mut session = created::<D, _>(&sessions, conn);
        let row = session.row_id().unwrap();
        sessions.attributes(&session).set_many(conn, [a("a", 1), a("b", 2)], WriteOptions::new()).unwrap();
        match way {
            0 => sessions.end(conn, &mut session).unwrap(),
            1 => assert!(sessions.revoke_row(conn, row).unwrap()),
            2 => {
                session.set_idle_timeout(Some(seconds(1)));
                sessions.save(conn, &mut session).unwrap();
                clock.advance(seconds(1));
                assert_eq!(sessions.purge_expired(conn, 10).unwrap(), Purged { sessions: 1, attributes: 0 });
            }
            _ => D::execute(conn, &format!("DELETE FROM tours WHERE {} = {row}", quoted::<D>("primary"))),
        }
        assert!(names::<D>(conn, "tours").is_empty(), "way {way}");
    }
}

// S88 S43
fn other_tables_are_written_in_transactions_and_in_hundreds<D: Tours>(db: &D) {
    let conn = &mut db.connect();
    create_tables::<D>(conn, "outings", true);
    let (sessions, _) = repository::<D::Outing>();
    let session = created::<D, _>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    let items = |value: u32| (0..101).map(move |number| a(&format!("n{number:03}"), value));
    rolled_back::<D, _>(conn, |conn| attributes.set_many(conn, items(1), WriteOptions::new()).unwrap());
    assert!(names::<D>(conn, "outings").is_empty());
    attributes.create_many(conn, items(1), WriteOptions::new()).unwrap();
    attributes.update_many(conn, items(2), WriteOptions::new().expires_in(seconds(60))).unwrap();
    attributes.set_many(conn, items(3), WriteOptions::new()).unwrap();
    let names = names::<D>(conn, "outings");
    let found = attributes.get_many(conn, names).unwrap();
    assert!(found.len() == 101 && found.into_values().all(|value| value.unwrap() == Some(json!(3))));
    attributes.set_expiry_many(conn, (0..101).map(|number| format!("n{number:03}")), Expiry::Never).unwrap();
    assert_eq!(attributes.entry(conn, "n100").unwrap().unwrap().expires_at(), None);
    assert_eq!(attributes.delete_many(conn, (0..200).map(|number| format!("n{number:03}"))).unwrap(), 101);
}

// DESIGN 3 SECURITY 25
fn models_side_by_side_have_their_own_attributes<D: Tours>(db: &D) {
    let conn = &mut db.connect();
    create_tables::<D>(conn, "tours", false);
    create_tables::<D>(conn, "outings", true);
    let (tours, outings) = (repository::<D::Tour>().0, repository::<D::Outing>().0);
    let (tour, outing) = (created::<D, _>(&tours, conn), created::<D, _>(&outings, conn));
    assert_eq!(tour.row_id().map(|id| id.to_string()), outing.row_id().map(|id| id.to_string()), "the same number");
    let (of_tour, of_outing) = (tours.attributes(&tour), outings.attributes(&outing));
    of_tour.set_with(conn, "a", 1, WriteOptions::new().encrypted()).unwrap();
    assert_eq!((of_outing.get_value(conn, "a").unwrap(), of_outing.names(conn).unwrap().len()), (None, 0));
    of_outing.set_with(conn, "a", 2, WriteOptions::new().encrypted()).unwrap();
    assert_eq!((of_tour.get(conn, "a").unwrap(), of_outing.get(conn, "a").unwrap()), (Some(1), Some(2)));
    // What was sealed for one table does not open in the other.
    let [notes, others, sealed] = ["notes on tours", "notes on outings", "lock box"].map(quoted::<D>);
    D::execute(conn, &format!("UPDATE {others} SET {sealed} = (SELECT {sealed} FROM {notes})"));
    assert_eq!(about(of_outing.get_value(conn, "a")), error(ErrorKind::Decrypt, "a"));
    assert!(of_outing.get_value(conn, "a").unwrap_err().is_swapped());
    assert_eq!((of_outing.delete(conn, "a").unwrap(), names::<D>(conn, "tours")), (1, vec!["a".to_owned()]));
}
