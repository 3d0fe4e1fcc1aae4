//! Keeping a session alive, a new token, proof of identity.

use diesel_sessions::{KnownTokens, Session, SignIn};

use super::{Scene, scene};
use crate::stage::{ADDRESS, ANOTHER, KEY, OWNER, Stage, VALUE};
use crate::support::{Db, Plain, repository_with, seconds, token_of};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("touch", 1, "A touch is due.", touch),
        scene("touch_not_due", 0, "The session has just been seen.", touch_not_due),
        scene("extend", 1, "The idle time starts anew.", extend),
        scene("rotate", 1, "A live session gets a new token.", rotate),
        scene("rotate_taken", 3, "The first token drawn is taken, so another is drawn.", rotate_taken).on("mysql", 4),
        scene("sign_in", 1, "An anonymous session is stored.", sign_in),
        scene("sign_in_new", 1, "There is no row yet.", sign_in_new).on("mysql", 2),
        scene("sign_in_with_changes", 1, "Changes are pending: they are written too.", sign_in_with_changes),
        scene(
            "sign_in_merge",
            3,
            "Changes are pending, and another request was faster: they are laid over what it wrote.",
            sign_in_merge,
        ),
        scene(
            "sign_in_over_another_owner",
            2,
            "The other owner's row is deleted, and a new session begins.",
            sign_in_over_another,
        )
        .on("mysql", 3),
        scene("sign_in_on_gone", 2, "The session was ended meanwhile: a new one begins.", sign_in_on_gone).on("mysql", 3),
        scene("sign_in_on_rotated", 2, "Another request rotated the session: a new one begins.", sign_in_on_rotated)
            .on("mysql", 3),
        scene(
            "sign_in_on_gone_with_changes",
            3,
            "The session was ended while changes were pending.",
            sign_in_on_gone_with_changes,
        )
        .on("mysql", 4),
        scene("authenticate", 1, "The user's password is asked for again.", authenticate),
        scene("authenticate_with_changes", 1, "The same, with changes pending.", authenticate_with_changes),
        scene("authenticate_remembered", 1, "The same of a session that is remembered.", authenticate_remembered),
    ]
}

fn touch<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.wait_for_a_touch();
    stage.begin();
    assert!(stage.sessions.touch(&mut stage.conn, &mut session).unwrap());
}

fn touch_not_due<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.begin();
    assert!(!stage.sessions.touch(&mut stage.conn, &mut session).unwrap());
}

fn extend<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.begin();
    stage.sessions.extend(&mut stage.conn, &mut session).unwrap();
}

fn rotate<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    stage.begin();
    stage.sessions.rotate(&mut stage.conn, &mut session).unwrap();
}

// SECURITY 7
fn rotate_taken<D: Db>(stage: &mut Stage<D>) {
    let taken = token_of(&stage.anonymous());
    let free = stage.anonymous();
    stage.end_elsewhere(&free);
    let mut session = stage.anonymous();
    let tokens = KnownTokens::new([taken, token_of(&free)]).unwrap();
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(tokens).clock(stage.clock.clone()));
    stage.begin();
    sessions.rotate(&mut stage.conn, &mut session).unwrap();
    assert_eq!(token_of(&session), token_of(&free));
}

fn prove<D: Db>(stage: &mut Stage<D>, mut session: Session<D::Model>, owner: i64) {
    stage.begin();
    stage.sessions.sign_in(&mut stage.conn, &mut session, SignIn::new(owner)).unwrap();
    assert_eq!(session.user_id(), Some(owner));
}

fn sign_in<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    prove(stage, session, OWNER);
}

fn sign_in_new<D: Db>(stage: &mut Stage<D>) {
    let session = stage.sessions.new_session();
    prove(stage, session, OWNER);
}

fn sign_in_with_changes<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    *session.remote_addr_mut() = Some(ADDRESS.to_owned());
    prove(stage, session, OWNER);
}

// S47
fn sign_in_merge<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    let mut faster = stage.elsewhere(&session);
    faster.insert("parrot", 1).unwrap();
    stage.sessions.save(&mut stage.other, &mut faster).unwrap();
    session.insert(KEY, VALUE).unwrap();
    prove(stage, session, OWNER);
}

fn sign_in_over_another<D: Db>(stage: &mut Stage<D>) {
    let session = stage.owned();
    prove(stage, session, ANOTHER);
}

fn sign_in_on_gone<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.end_elsewhere(&session);
    prove(stage, session, OWNER);
}

fn sign_in_on_rotated<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.rotate_elsewhere(&session);
    prove(stage, session, OWNER);
}

fn sign_in_on_gone_with_changes<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.anonymous();
    session.insert(KEY, VALUE).unwrap();
    stage.end_elsewhere(&session);
    prove(stage, session, OWNER);
}

fn authenticate<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    stage.begin();
    stage.sessions.authenticate(&mut stage.conn, &mut session).unwrap();
}

fn authenticate_with_changes<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.owned();
    session.insert(KEY, VALUE).unwrap();
    stage.begin();
    stage.sessions.authenticate(&mut stage.conn, &mut session).unwrap();
}

// S62
fn authenticate_remembered<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.sessions.new_session();
    let month = SignIn::new(OWNER).remember(seconds(30 * 86_400));
    stage.sessions.sign_in(&mut stage.conn, &mut session, month).unwrap();
    stage.begin();
    stage.sessions.authenticate(&mut stage.conn, &mut session).unwrap();
    assert!(session.is_persistent());
}
