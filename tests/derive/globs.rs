//! A model in a module that imports what Diesel's users import: every name of the DSL and of the schema is in scope.
#![expect(unused_imports, reason = "that the names are in scope is what matters")]

use diesel::dsl::*;
use diesel::prelude::*;
use diesel_sessions::{DbSession, SessionCore, SessionRepository, SignIn, migrations};

use self::schema::visits::dsl::*;

mod schema {
    diesel::table! {
        #[sql_name = "sessions"]
        visits (id) {
            id -> Integer,
            _uuid -> Text,
            _previous_uuid -> Nullable<Text>,
            _data -> Text,
            _version -> Integer,
            created_at -> Timestamp,
            authenticated_at -> Nullable<Timestamp>,
            rotated_at -> Nullable<Timestamp>,
            last_seen_at -> Timestamp,
            expires_at -> Timestamp,
            deadline_at -> Nullable<Timestamp>,
            idle_timeout -> Nullable<Integer>,
            persistent -> Bool,
            user_id -> Nullable<BigInt>,
            #[sql_name = "remote_addr"]
            value -> Nullable<Text>,
            #[sql_name = "user_agent"]
            owner -> Nullable<Text>,
        }
    }
}

/// Shadows what the macro's code might be tempted to name.
fn column() -> Option<String> {
    Some("a default".to_owned())
}

/// As the macro's own type parameter was once called.
type C = i64;

#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = schema::visits, check_for_backend(diesel::sqlite::Sqlite))]
struct Visit {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<Visit>,
    #[session(owner)]
    user_id: Option<C>,
    #[session(default = column())]
    value: Option<String>,
    owner: Option<String>,
}

macro_rules! model {
    ($name:ident in $table:path: $id:ty) => {
        #[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
        #[diesel(table_name = $table, check_for_backend(diesel::sqlite::Sqlite))]
        struct $name {
            id: $id,
            #[diesel(embed)]
            core: SessionCore<$name>,
            #[session(owner)]
            user_id: Option<i64>,
        }
    };
}

model!(Printed in schema::visits: i32);

// S16
#[test]
fn a_model_may_have_every_name_of_the_dsl_in_scope() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(conn).unwrap();
    let sessions = SessionRepository::<Visit>::builder().build().unwrap();
    let mut session = sessions.new_session();
    assert_eq!(session.get::<String>("value").unwrap().as_deref(), Some("a default"));
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    let live = visits.filter(Visit::live(session.created_at())).select(Visit::as_select()).load(conn).unwrap();
    assert_eq!(live.first().and_then(|visit| visit.user_id), Some(7));

    let printed = SessionRepository::<Printed>::builder().build().unwrap();
    assert_eq!(printed.of(&7).count(conn).unwrap(), 1);
}

// S63
#[test]
fn a_foreign_key_is_named_by_the_tables_name_in_sql() {
    use diesel::connection::SimpleConnection;
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(conn).unwrap();
    conn.batch_execute("PRAGMA foreign_keys = ON; CREATE TABLE orders (session_id INTEGER REFERENCES sessions (id))").unwrap();
    let sessions = SessionRepository::<Visit>::builder().build().unwrap();
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    conn.batch_execute("INSERT INTO orders SELECT id FROM sessions").unwrap();
    let error = sessions.end(conn, &mut session).unwrap_err();
    assert_eq!(error.constraint_name(), Some("orders(session_id)"));
}
