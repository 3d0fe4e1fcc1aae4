//! Saving a stored session, in every shape.

use diesel_sessions::{Saved, Session};

use super::{Scene, scene};
use crate::stage::{ADDRESS, ANOTHER, KEY, OWNER, Stage, VALUE};
use crate::support::{Db, Plain, seconds, token_of};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("save_unchanged", 0, "Nothing was changed, and no touch is due.", save_unchanged),
        scene("save_unchanged_touch", 1, "Nothing was changed, and a touch is due.", save_unchanged_touch),
        scene("save_data", 1, "A key was set.", save_data),
        scene("save_data_touch", 1, "A key was set, and a touch is due.", save_data_touch),
        scene("save_columns", 1, "A typed column was set.", save_columns),
        scene("save_columns_touch", 1, "A typed column was set, and a touch is due.", save_columns_touch),
        scene("save_policy", 1, "The session was given an idle timeout of its own.", save_policy),
        scene(
            "save_merge",
            3,
            "Another request was faster: what it wrote is read, and this one's change laid over it.",
            save_merge,
        ),
        scene("save_gone", 2, "The session was ended meanwhile.", save_gone),
        scene("save_owner_gained", 1, "An anonymous session is given an owner: the token changes with it.", save_owner_gained),
        scene("save_owner_cleared", 1, "The owner is taken away: the token changes with it.", save_owner_cleared),
        scene("save_owner_replaced", 2, "Another owner: the row is deleted, and a new session begins.", save_owner_replaced)
            .on("mysql", 3),
        scene(
            "save_after_transaction",
            3,
            "The session was read in a transaction that may have been rolled back: it is read again.",
            save_after_transaction,
        ),
        scene("save_in_transaction", 1, "The caller's transaction is open: none is added.", save_in_transaction),
    ]
}

fn save<D: Db>(stage: &mut Stage<D>, mut session: Session<D::Model>, expected: Saved) {
    stage.begin();
    assert_eq!(stage.sessions.save(&mut stage.conn, &mut session).unwrap(), expected);
}

// S39
fn save_unchanged<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    stage.sessions.save(&mut stage.conn, &mut session).unwrap();
    session.insert(KEY, VALUE).unwrap();
    save(stage, session, Saved::Unchanged);
}

fn save_unchanged_touch<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.wait_for_a_touch();
    save(stage, session, Saved::Unchanged);
}

fn save_data<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    save(stage, session, Saved::Updated);
}

fn save_data_touch<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    stage.wait_for_a_touch();
    save(stage, session, Saved::Updated);
}

fn save_columns<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    *session.remote_addr_mut() = Some(ADDRESS.to_owned());
    save(stage, session, Saved::Updated);
}

fn save_columns_touch<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    *session.remote_addr_mut() = Some(ADDRESS.to_owned());
    stage.wait_for_a_touch();
    save(stage, session, Saved::Updated);
}

fn save_policy<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.set_idle_timeout(Some(seconds(60)));
    save(stage, session, Saved::Updated);
}

// S47
fn save_merge<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    let mut faster = stage.elsewhere(&session);
    faster.insert("parrot", 1).unwrap();
    stage.sessions.save(&mut stage.other, &mut faster).unwrap();
    session.insert(KEY, VALUE).unwrap();
    save(stage, session, Saved::Updated);
}

// S49
fn save_gone<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.end_elsewhere(&session);
    session.insert(KEY, VALUE).unwrap();
    stage.begin();
    let error = stage.sessions.save(&mut stage.conn, &mut session).unwrap_err();
    assert_eq!(error.kind(), diesel_sessions::ErrorKind::Gone);
    session.revert();
}

// SECURITY 9
fn save_owner_gained<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    *session.user_id_mut() = Some(OWNER);
    save(stage, session, Saved::Updated);
}

fn save_owner_cleared<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    *session.user_id_mut() = None;
    save(stage, session, Saved::Updated);
}

fn save_owner_replaced<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    *session.user_id_mut() = Some(ANOTHER);
    save(stage, session, Saved::Updated);
}

// S43
fn save_in_transaction<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    stage.in_transaction(|conn, sessions, recorder| {
        recorder.begin();
        sessions.save(conn, &mut session).unwrap();
    });
}

// S43
fn save_after_transaction<D: Db>(stage: &mut Stage<D>) {
    let stored = stage.anonymous();
    let mut read = None;
    stage.in_transaction(|conn, sessions, _| read = sessions.load(conn, token_of(&stored).as_str()).unwrap());
    let mut session = read.unwrap();
    session.insert(KEY, VALUE).unwrap();
    save(stage, session, Saved::Updated);
}
