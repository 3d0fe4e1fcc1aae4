//! Setting attributes, whether they exist or not.

use diesel_sessions::{Attribute, ErrorKind, WriteOptions};

use super::{begun, expired, gone, holding, kind, one, rotated, several};
use crate::scenes::{Scene, scene};
use crate::stage::{ATTRIBUTE, Stage, VALUE};
use crate::support::{Db, seconds};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("attribute_set", 1, "There is none of that name.", set),
        scene("attribute_set_existing", 1, "There is one, which keeps its expiry.", set_existing),
        scene("attribute_set_expired", 1, "There is one that has expired.", set_expired),
        scene("attribute_set_expires_in", 1, "It is given an expiry.", set_expires_in),
        scene("attribute_set_never", 1, "It is not to expire any more.", set_never),
        scene("attribute_set_encrypted", 1, "It is stored encrypted.", set_encrypted),
        scene("attribute_set_of_row", 1, "The session is named by its row, whatever its token.", set_of_row),
        scene("attribute_set_in_transaction", 1, "The caller's transaction is open: none is added.", set_in_transaction),
        scene("attribute_set_on_gone", 3, "The session was ended meanwhile.", set_on_gone).counted(),
        scene("attribute_set_on_rotated", 3, "Another request rotated the session.", set_on_rotated).counted(),
        scene("attribute_set_many_0", 0, "None at all.", set_many_of::<D, 0>),
        scene("attribute_set_many_1", 1, "One attribute.", set_many_of::<D, 1>),
        scene("attribute_set_many_2", 1, "Two attributes.", set_many_of::<D, 2>).counted(),
        scene("attribute_set_many_100", 1, "As many as go into one statement without arrays.", set_many_of::<D, 100>).counted(),
        scene("attribute_set_many_101", 1, "One more than that.", set_many_of::<D, 101>).on("sqlite", 2).on("mysql", 2).counted(),
        scene(
            "attribute_set_many_101_in_transaction",
            1,
            "The same within the caller's transaction.",
            set_many_101_in_transaction,
        )
        .on("sqlite", 2)
        .on("mysql", 2)
        .counted(),
        scene(
            "attribute_set_many_keep_and_expires_in",
            1,
            "One keeps its expiry, another is given one: they go together.",
            set_many_keep_and_expires_in,
        )
        .counted(),
        scene(
            "attribute_set_many_keep_and_never",
            2,
            "One keeps its expiry, another is not to expire any more.",
            set_many_keep_and_never,
        ),
        scene("attribute_set_many_on_gone", 3, "The session was ended meanwhile.", set_many_on_gone).counted(),
        scene(
            "attribute_set_many_keep_and_never_on_gone",
            3,
            "The same, with one that keeps its expiry and one that loses it.",
            set_many_keep_and_never_on_gone,
        )
        .counted(),
    ]
}

// S66
fn set<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

// S67
fn set_existing<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one().expires_in(seconds(60))]);
    stage.begin();
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

// S72
fn set_expired<D: Db>(stage: &mut Stage<D>) {
    let attributes = expired(stage);
    stage.begin();
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

fn set_with<D: Db>(stage: &mut Stage<D>, options: WriteOptions) {
    let attributes = holding(stage, [one().expires_in(seconds(60))]);
    stage.begin();
    attributes.set_with(&mut stage.conn, ATTRIBUTE, VALUE, options).unwrap();
}

// S74
fn set_expires_in<D: Db>(stage: &mut Stage<D>) {
    set_with(stage, WriteOptions::new().expires_in(seconds(300)));
}

fn set_never<D: Db>(stage: &mut Stage<D>) {
    set_with(stage, WriteOptions::new().never());
}

// S81
fn set_encrypted<D: Db>(stage: &mut Stage<D>) {
    set_with(stage, WriteOptions::new().encrypted());
}

fn set_of_row<D: Db>(stage: &mut Stage<D>) {
    let session = stage.anonymous();
    stage.rotate_elsewhere(&session);
    let attributes = stage.sessions.attributes_of(session.row_id().unwrap());
    stage.begin();
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

fn set_in_transaction<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.in_transaction(|conn, _, recorder| {
        recorder.begin();
        attributes.set(conn, ATTRIBUTE, VALUE).unwrap();
    });
}

// S94
fn set_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.set(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::Gone);
}

fn set_on_rotated<D: Db>(stage: &mut Stage<D>) {
    let attributes = rotated(stage);
    stage.begin();
    assert_eq!(kind(attributes.set(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::Rotated);
}

fn set_many_of<D: Db, const COUNT: usize>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    attributes.set_many(&mut stage.conn, several(COUNT), WriteOptions::new()).unwrap();
}

// S43
fn set_many_101_in_transaction<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.in_transaction(|conn, _, recorder| {
        recorder.begin();
        attributes.set_many(conn, several(101), WriteOptions::new()).unwrap();
    });
}

fn set_many_keep_and_expires_in<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    let mut two = several(2);
    two[1] = two[1].clone().expires_in(seconds(60));
    stage.begin();
    attributes.set_many(&mut stage.conn, two, WriteOptions::new()).unwrap();
}

/// One that keeps its expiry, and one that loses it.
fn keep_and_never() -> Vec<Attribute> {
    let mut two = several(2);
    two[1] = two[1].clone().never();
    two
}

// S87
fn set_many_keep_and_never<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    attributes.set_many(&mut stage.conn, keep_and_never(), WriteOptions::new()).unwrap();
}

// S94
fn set_many_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.set_many(&mut stage.conn, several(2), WriteOptions::new())), ErrorKind::Gone);
}

fn set_many_keep_and_never_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.set_many(&mut stage.conn, keep_and_never(), WriteOptions::new())), ErrorKind::Gone);
}
