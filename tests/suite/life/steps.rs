//! Steps that the tests of the suite share.

use diesel::Connection;
use diesel::result::Error as DieselError;
use diesel_sessions::{ErrorKind, Result, Session, SessionModel, SessionRepository, SignIn};

use crate::support::Db;

/// The repository of an engine's ready-made model.
pub(crate) type Repo<D> = SessionRepository<<D as Db>::Model>;
/// Its sessions.
pub(crate) type Handle<D> = Session<<D as Db>::Model>;
/// Its row ids.
pub(crate) type Id<D> = <<D as Db>::Model as SessionModel>::RowId;

/// An empty session with a row.
pub(crate) fn created<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn) -> Handle<D> {
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    session
}

/// A session of a user.
pub(crate) fn signed_in<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, user: i64) -> Handle<D> {
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(user)).unwrap();
    session
}

/// The live session of a token.
pub(crate) fn loaded<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, token: &str) -> Handle<D> {
    sessions.load(conn, token).unwrap().expect("the token opens a session")
}

/// Whether a token opens nothing, asked in each way.
pub(crate) fn opens_nothing<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, token: &str) -> bool {
    let loaded = sessions.load(conn, token).unwrap().is_some();
    let live = sessions.is_live(conn, token).unwrap();
    let opened = sessions.open(conn, token).unwrap();
    !loaded && !live && opened.row_id().is_none() && opened.is_empty() && opened.new_token().is_none()
}

/// The kind of an error.
pub(crate) fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(error) => error.kind(),
    }
}

/// How many rows there are, expired ones too.
pub(crate) fn rows<D: Db>(conn: &mut D::Conn) -> i64 {
    D::number(conn, "SELECT count(*) FROM sessions")
}

/// Runs work in a transaction that is rolled back.
pub(crate) fn rolled_back<D: Db, T>(conn: &mut D::Conn, work: impl FnOnce(&mut D::Conn) -> T) -> T {
    let mut done = None;
    let result = conn.transaction::<(), DieselError, _>(|conn| {
        done = Some(work(conn));
        Err(DieselError::RollbackTransaction)
    });
    assert_eq!(result, Err(DieselError::RollbackTransaction));
    done.unwrap()
}

/// A row of `session_attributes`, written without the library.
pub(crate) fn attribute<D: Db>(conn: &mut D::Conn, row: Id<D>, name: &str) {
    let time = "'2026-11-21 12:00:00.000000'";
    D::execute(
        conn,
        &format!(
            "INSERT INTO session_attributes (session_id, name, value, created_at, updated_at) \
             VALUES ({row}, '{name}', '1', {time}, {time})"
        ),
    );
}
