//! Looking a session up, and giving it its row.

use diesel_sessions::{KnownTokens, Saved};

use super::{Scene, scene};
use crate::stage::{KEY, Stage, VALUE};
use crate::support::{Db, noon, repository_with, token_of};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("load", 1, "The token of a live session.", load),
        scene("load_unknown", 2, "A token that nobody issued: it might be one that a rotation replaced.", load_unknown),
        scene("load_malformed", 0, "Tokens that are none.", load_malformed),
        scene("load_superseded", 2, "A token that was rotated a moment ago.", load_superseded),
        scene("open", 1, "The token of a live session.", open),
        scene("open_without_a_token", 0, "No cookie came.", open_without_a_token),
        scene("open_unknown", 2, "A token that nobody issued.", open_unknown),
        scene("open_superseded", 2, "A token that was rotated a moment ago.", open_superseded),
        scene("is_live", 1, "The token of a live session.", is_live),
        scene("is_live_malformed", 0, "A token that is none.", is_live_malformed),
        scene("create", 1, "An empty session gets its row.", create).on("mysql", 2),
        scene("create_taken", 2, "The first token drawn is taken, so another is drawn.", create_taken).on("mysql", 4),
        scene("save_new", 1, "The first save of a changed session.", save_new).on("mysql", 2),
        scene("save_new_unchanged", 0, "A new session in which nothing was set.", save_new_unchanged),
        scene("check", 4, "The engine's settings, then the tables with their columns.", check).on("sqlite", 6).rare(),
    ]
}

fn unknown() -> String {
    KnownTokens::numbered(u64::MAX).reveal().to_owned()
}

fn load<D: Db>(stage: &mut Stage<D>) {
    let token = token_of(&stage.anonymous());
    stage.begin();
    assert!(stage.sessions.load(&mut stage.conn, token.as_str()).unwrap().is_some());
}

fn load_unknown<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    assert!(stage.sessions.load(&mut stage.conn, unknown().as_str()).unwrap().is_none());
}

// SECURITY 4
fn load_malformed<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    for text in ["", "short", "für immer", "' OR 1 = 1 --", &"A".repeat(4_096)] {
        assert!(stage.sessions.load(&mut stage.conn, text).unwrap().is_none());
        assert!(stage.sessions.open(&mut stage.conn, text).unwrap().is_new());
    }
}

fn load_superseded<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.rotate_elsewhere(&session);
    stage.begin();
    assert!(stage.sessions.load(&mut stage.conn, token_of(&session).as_str()).unwrap().is_none());
}

fn open<D: Db>(stage: &mut Stage<D>) {
    let token = token_of(&stage.anonymous());
    stage.begin();
    assert!(!stage.sessions.open(&mut stage.conn, token.as_str()).unwrap().is_new());
}

fn open_without_a_token<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    assert!(stage.sessions.open(&mut stage.conn, None).unwrap().is_new());
}

fn open_unknown<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    assert!(stage.sessions.open(&mut stage.conn, unknown().as_str()).unwrap().is_new());
}

fn open_superseded<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.rotate_elsewhere(&session);
    stage.begin();
    assert!(stage.sessions.open(&mut stage.conn, token_of(&session).as_str()).unwrap().is_superseded());
}

fn is_live<D: Db>(stage: &mut Stage<D>) {
    let token = token_of(&stage.anonymous());
    stage.begin();
    assert!(stage.sessions.is_live(&mut stage.conn, token.as_str()).unwrap());
}

fn is_live_malformed<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    assert!(!stage.sessions.is_live(&mut stage.conn, "short").unwrap());
}

fn create<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.sessions.new_session();
    stage.begin();
    stage.sessions.create(&mut stage.conn, &mut session).unwrap();
}

// SECURITY 7
fn create_taken<D: Db>(stage: &mut Stage<D>) {
    let taken = token_of(&stage.anonymous());
    let fresh = token_of(&stage.anonymous());
    let tokens = KnownTokens::new([&taken, &fresh]).unwrap();
    let (sessions, clock) = repository_with::<D>(|builder| builder.token_source(tokens));
    clock.set(noon());
    let free = stage.sessions.load(&mut stage.other, fresh.as_str()).unwrap().unwrap();
    stage.end_elsewhere(&free);
    let mut session = sessions.new_session();
    stage.begin();
    sessions.create(&mut stage.conn, &mut session).unwrap();
    assert_eq!(token_of(&session), fresh);
}

fn save_new<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.sessions.new_session();
    session.insert(KEY, VALUE).unwrap();
    stage.begin();
    assert_eq!(stage.sessions.save(&mut stage.conn, &mut session).unwrap(), Saved::Created);
}

// S1 S39
fn save_new_unchanged<D: Db>(stage: &mut Stage<D>) {
    let mut session = stage.sessions.new_session();
    stage.begin();
    assert_eq!(stage.sessions.save(&mut stage.conn, &mut session).unwrap(), Saved::Unchanged);
}

fn check<D: Db>(stage: &mut Stage<D>) {
    stage.begin();
    stage.sessions.check(&mut stage.conn).unwrap();
}
