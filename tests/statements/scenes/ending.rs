//! Ending sessions: one, all of an owner's, all, and what has expired.

use super::{Scene, scene};
use crate::stage::{OWNER, Stage};
use crate::support::{Db, seconds, token_of};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("end", 1, "A stored session.", end),
        scene("end_new", 0, "A session without a row.", end_new),
        scene("end_superseded", 1, "A session that was rotated a moment ago: the one that it once was.", end_superseded),
        scene(
            "end_in_transaction",
            1,
            "A row of the caller's open transaction: on SQLite its id may yet become another's.",
            end_in_transaction,
        ),
        scene("list", 1, "The owner's live sessions.", list),
        scene("count", 1, "How many there are.", count),
        scene("revoke", 1, "One of the owner's sessions.", revoke),
        scene("revoke_all", 1, "All of the owner's sessions.", revoke_all),
        scene("revoke_except", 1, "All of the owner's sessions but one.", revoke_except),
        scene("revoke_others", 2, "This session gets a new token, the owner's others end.", revoke_others),
        scene("revoke_others_in_transaction", 2, "The same within the caller's transaction.", revoke_others_in_transaction),
        scene("revoke_row", 1, "An operator ends a session.", revoke_row),
        scene("revoke_everyone", 1, "An operator ends all sessions.", revoke_everyone),
        scene("purge_batch", 2, "Expired sessions, at most so many, then expired attributes.", purge_batch)
            .on("mysql", 3)
            .counted(),
    ]
}

fn end<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.begin();
    stage.sessions.end(&mut stage.conn, &mut session).unwrap();
}

fn end_new<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.sessions.new_session();
    stage.begin();
    stage.sessions.end(&mut stage.conn, &mut session).unwrap();
}

fn end_superseded<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.rotate_elsewhere(&session);
    let mut late = stage.sessions.open(&mut stage.conn, token_of(&session).as_str()).unwrap();
    stage.begin();
    stage.sessions.end(&mut stage.conn, &mut late).unwrap();
}

fn end_in_transaction<D: Db>(stage: &mut Stage<D>) {
    stage.in_transaction(|conn, sessions, recorder| {
        let mut session = sessions.new_session();
        sessions.create(conn, &mut session).unwrap();
        recorder.begin();
        sessions.end(conn, &mut session).unwrap();
    });
}

fn list<D: Db>(stage: &mut Stage<D>) {
    stage.owned();
    stage.begin();
    assert!(!stage.sessions.of(&OWNER).list(&mut stage.conn).unwrap().is_empty());
}

fn count<D: Db>(stage: &mut Stage<D>) {
    stage.owned();
    stage.begin();
    assert!(stage.sessions.of(&OWNER).count(&mut stage.conn).unwrap() > 0);
}

fn revoke<D: Db>(stage: &mut Stage<D>) {
    let row_id = stage.owned().row_id().unwrap();
    stage.begin();
    assert!(stage.sessions.of(&OWNER).revoke(&mut stage.conn, row_id).unwrap());
}

// SECURITY 14
fn revoke_all<D: Db>(stage: &mut Stage<D>) {
    stage.owned();
    stage.begin();
    assert!(stage.sessions.of(&OWNER).revoke_all(&mut stage.conn).unwrap() > 0);
}

fn revoke_except<D: Db>(stage: &mut Stage<D>) {
    let row_id = stage.owned().row_id().unwrap();
    stage.owned();
    stage.begin();
    assert!(stage.sessions.of(&OWNER).revoke_except(&mut stage.conn, row_id).unwrap() > 0);
}

fn revoke_others<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    stage.owned();
    stage.begin();
    assert!(stage.sessions.revoke_others(&mut stage.conn, &mut session).unwrap() > 0);
}

fn revoke_others_in_transaction<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    stage.owned();
    stage.in_transaction(|conn, sessions, recorder| {
        recorder.begin();
        assert!(sessions.revoke_others(conn, &mut session).unwrap() > 0);
    });
}

fn revoke_row<D: Db>(stage: &mut Stage<D>) {
    let row_id = stage.owned().row_id().unwrap();
    stage.begin();
    assert!(stage.sessions.revoke_row(&mut stage.conn, row_id).unwrap());
}

fn revoke_everyone<D: Db>(stage: &mut Stage<D>) {
    stage.owned();
    stage.begin();
    assert!(stage.sessions.revoke_everyone(&mut stage.conn).unwrap() > 0);
}

// S63
fn purge_batch<D: Db>(stage: &mut Stage<D>) {
    stage.owned();
    stage.clock.advance(seconds(86_400));
    stage.begin();
    assert!(stage.sessions.purge_batch(&mut stage.conn, 500).unwrap().sessions > 0);
}
