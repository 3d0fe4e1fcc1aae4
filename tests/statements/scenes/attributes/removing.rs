//! Deleting and taking attributes, removing what has expired, and sealing anew.

use diesel_sessions::{ErrorKind, Keyring};

use super::{begun, gone, holding, kind, names, one, rotated, several};
use crate::scenes::{Scene, scene};
use crate::stage::{ATTRIBUTE, SEALING_KEY, Stage, VALUE};
use crate::support::{Db, repository_with, seconds};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("attribute_delete", 1, "An attribute that exists.", delete).counted(),
        scene("attribute_delete_missing", 2, "There is none of that name.", delete_missing).counted(),
        scene("attribute_delete_on_gone", 2, "The session was ended meanwhile.", delete_on_gone).counted(),
        scene("attribute_delete_many", 1, "Two attributes and one that is missing.", delete_many).counted(),
        scene("attribute_delete_many_101", 1, "More than go into one statement without arrays.", delete_many_101)
            .on("sqlite", 2)
            .on("mysql", 2)
            .counted(),
        scene("attribute_take", 1, "An attribute that exists.", take).on("mysql", 2),
        scene("attribute_take_missing", 2, "There is none of that name.", take_missing),
        scene("attribute_take_of_another_type", 1, "It is of another type, and stays.", take_of_another_type).on("mysql", 2),
        scene("attribute_take_in_transaction", 1, "The caller's transaction is open.", take_in_transaction).on("mysql", 2),
        scene("attribute_take_on_gone", 2, "The session was ended meanwhile.", take_on_gone),
        scene("attribute_take_on_rotated", 2, "Another request rotated the session.", take_on_rotated),
        scene("attribute_purge_batch", 2, "Expired attributes of live sessions, at most so many.", purge_batch)
            .on("mysql", 3)
            .rare(),
        scene("attribute_reseal", 5, "Two values of an older key: both are moved, and none is left.", reseal).rare(),
        scene("attribute_reseal_bounded", 3, "The same, one at a time: one is left.", reseal_bounded).rare(),
    ]
}

fn delete<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    assert_eq!(attributes.delete(&mut stage.conn, ATTRIBUTE).unwrap(), 1);
}

// S91
fn delete_missing<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert_eq!(attributes.delete(&mut stage.conn, ATTRIBUTE).unwrap(), 0);
}

// S94
fn delete_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.delete(&mut stage.conn, ATTRIBUTE)), ErrorKind::Gone);
}

// S91
fn delete_many<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(2));
    stage.begin();
    assert_eq!(attributes.delete_many(&mut stage.conn, names(3)).unwrap(), 2);
}

fn delete_many_101<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(101));
    stage.begin();
    assert_eq!(attributes.delete_many(&mut stage.conn, names(101)).unwrap(), 101);
}

fn take<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    assert_eq!(attributes.take_value(&mut stage.conn, ATTRIBUTE).unwrap(), Some(VALUE.into()));
}

fn take_missing<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert_eq!(attributes.take_value(&mut stage.conn, ATTRIBUTE).unwrap(), None);
}

fn take_of_another_type<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    assert_eq!(kind(attributes.take::<u32, _>(&mut stage.conn, ATTRIBUTE)), ErrorKind::WrongType);
}

fn take_in_transaction<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.in_transaction(|conn, _, recorder| {
        recorder.begin();
        assert!(attributes.take_value(conn, ATTRIBUTE).unwrap().is_some());
    });
}

// S94
fn take_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.take_value(&mut stage.conn, ATTRIBUTE)), ErrorKind::Gone);
}

fn take_on_rotated<D: Db>(stage: &mut Stage<D>) {
    let attributes = rotated(stage);
    stage.begin();
    assert_eq!(kind(attributes.take_value(&mut stage.conn, ATTRIBUTE)), ErrorKind::Rotated);
}

/// Removes what other scenes have left.
fn clear<D: Db>(stage: &mut Stage<D>) {
    D::execute(&mut stage.other, "DELETE FROM session_attributes");
}

// S63
fn purge_batch<D: Db>(stage: &mut Stage<D>) {
    clear(stage);
    let two = several(2).into_iter().map(|attribute| attribute.expires_in(seconds(60)));
    holding(stage, two);
    stage.clock.advance(seconds(60));
    stage.begin();
    assert_eq!(stage.sessions.purge_batch(&mut stage.conn, 500).unwrap().attributes, 2);
}

/// Seals two attributes, and then some of them with another key.
fn resealed<D: Db>(stage: &mut Stage<D>, limit: u32) -> (usize, usize) {
    clear(stage);
    holding(stage, several(2).into_iter().map(|attribute| attribute.encrypted()));
    let keyring = Keyring::new("newer", [8; 32]).unwrap().and(SEALING_KEY.0, SEALING_KEY.1).unwrap();
    let (sessions, _) = repository_with::<D>(|builder| builder.keyring(keyring));
    stage.begin();
    let done = sessions.reseal(&mut stage.conn, limit).unwrap();
    (done.resealed, done.remaining)
}

// S85
fn reseal<D: Db>(stage: &mut Stage<D>) {
    assert_eq!(resealed(stage, 500), (2, 0));
}

fn reseal_bounded<D: Db>(stage: &mut Stage<D>) {
    assert_eq!(resealed(stage, 1), (1, 1));
}
