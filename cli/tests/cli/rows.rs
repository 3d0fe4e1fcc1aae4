//! Rows written with SQL, since the tool runs by the real clock: long expired, or live for ever.

use super::support::Db;

/// Long ago.
pub(crate) const PAST: &str = "2001-02-03 04:05:06.000000";
/// Not in the lifetime of these tests.
pub(crate) const FUTURE: &str = "2999-01-01 00:00:00.000000";
/// Stands in the data of every session here.
pub(crate) const SECRET_DATA: &str = "what-the-data-hides";
/// Stands in the value of every attribute here.
pub(crate) const SECRET_VALUE: &str = "what-the-attribute-hides";

/// A session that ends then, by id and owner.
pub(crate) fn session<D: Db>(conn: &mut D::Conn, id: i64, owner: Option<i64>, ends: &str) {
    let owner = owner.map_or("NULL".to_owned(), |owner| owner.to_string());
    D::execute(
        conn,
        &format!(
            "INSERT INTO sessions (id, _uuid, _data, created_at, last_seen_at, expires_at, user_id, remote_addr) \
             VALUES ({id}, '{uuid}', '{{\"note\": \"{SECRET_DATA}\"}}', '{PAST}', '{PAST}', '{ends}', {owner}, '192.0.2.{id}')",
            uuid = uuid(id),
        ),
    );
}

/// The digest in that session's row.
pub(crate) fn uuid(id: i64) -> String {
    format!("00000000-0000-4000-8000-{id:012}")
}

/// An attribute, which ends then.
pub(crate) fn attribute<D: Db>(conn: &mut D::Conn, session: i64, name: &str, ends: Option<&str>) {
    let ends = ends.map_or("NULL".to_owned(), |ends| format!("'{ends}'"));
    D::execute(
        conn,
        &format!(
            "INSERT INTO session_attributes (session_id, name, value, created_at, updated_at, expires_at) \
             VALUES ({session}, '{name}', '\"{SECRET_VALUE}\"', '{PAST}', '{PAST}', {ends})"
        ),
    );
}

/// Three live sessions (2 and 4 of owner 7, 3 of nobody) and an expired one (1, of owner 7), with attributes.
pub(crate) fn four<D: Db>(db: &D) -> D::Conn {
    let mut conn = db.connect();
    session::<D>(&mut conn, 1, Some(7), PAST);
    session::<D>(&mut conn, 2, Some(7), FUTURE);
    session::<D>(&mut conn, 3, None, "9999-12-31 00:00:00.000000");
    session::<D>(&mut conn, 4, Some(7), FUTURE);
    attribute::<D>(&mut conn, 1, "theme", None);
    attribute::<D>(&mut conn, 2, "theme", None);
    attribute::<D>(&mut conn, 2, "code", Some(PAST));
    attribute::<D>(&mut conn, 4, "code", Some(FUTURE));
    conn
}

/// So many sessions that have expired, with ids from 1.
pub(crate) fn expired<D: Db>(conn: &mut D::Conn, count: usize) {
    for ids in (1..=count).collect::<Vec<_>>().chunks(1_000) {
        let rows = ids.iter().map(|id| format!("({id}, '00000000-0000-4000-8000-{id:012}', '{PAST}', '{PAST}', '{PAST}')"));
        let rows = rows.collect::<Vec<_>>().join(", ");
        D::execute(conn, &format!("INSERT INTO sessions (id, _uuid, created_at, last_seen_at, expires_at) VALUES {rows}"));
    }
}

/// The ids there are, in order.
pub(crate) fn ids<D: Db>(conn: &mut D::Conn) -> Vec<i64> {
    let ids = D::texts(conn, "SELECT id FROM sessions ORDER BY id");
    ids.into_iter().map(|id| id.unwrap().parse().unwrap()).collect()
}
