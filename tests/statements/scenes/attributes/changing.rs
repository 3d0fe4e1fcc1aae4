//! Attributes that must not exist, or must: create, update and set_expiry.

use diesel_sessions::{Attribute, ErrorKind, Expiry, WriteOptions};

use super::{begun, expired, gone, holding, kind, name, names, one, rotated, several};
use crate::scenes::{Scene, scene};
use crate::stage::{ATTRIBUTE, Stage, VALUE};
use crate::support::{Db, seconds};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("attribute_create", 1, "There is none of that name.", create),
        scene("attribute_create_existing", 2, "There is one.", create_existing).on("mysql", 3).counted(),
        scene("attribute_create_expired", 1, "There is one that has expired.", create_expired).on("mysql", 3).counted(),
        scene("attribute_create_on_gone", 3, "The session was ended meanwhile.", create_on_gone).counted(),
        scene("attribute_create_many", 1, "Two attributes.", create_many).counted(),
        scene("attribute_create_many_mixed", 1, "One expires, the other does not.", create_many_mixed).counted(),
        scene("attribute_create_many_existing", 2, "One of the two exists.", create_many_existing).on("mysql", 3).counted(),
        scene("attribute_create_many_on_gone", 3, "The session was ended meanwhile.", create_many_on_gone).counted(),
        scene("attribute_update", 1, "An attribute that exists; it keeps its expiry.", update),
        scene("attribute_update_never", 1, "It is not to expire any more.", update_never),
        scene("attribute_update_encrypted", 1, "It is stored encrypted.", update_encrypted),
        scene("attribute_update_missing", 2, "There is none of that name.", update_missing).counted(),
        scene("attribute_update_expired", 2, "It has expired.", update_expired).counted(),
        scene("attribute_update_on_gone", 3, "The session was ended meanwhile.", update_on_gone).counted(),
        scene("attribute_update_on_rotated", 3, "Another request rotated the session.", update_on_rotated).counted(),
        scene("attribute_update_many", 1, "Two attributes.", update_many_of::<D, 2>).counted(),
        scene("attribute_update_many_101", 1, "More than go into one statement without arrays.", update_many_of::<D, 101>)
            .on("sqlite", 2)
            .on("mysql", 2)
            .counted(),
        scene("attribute_update_many_missing", 2, "One of the two is missing.", update_many_missing).counted(),
        scene(
            "attribute_update_many_keep_and_never",
            2,
            "One keeps its expiry, the other is not to expire any more.",
            update_many_keep_and_never,
        ),
        scene("attribute_set_expiry", 1, "An attribute that exists.", set_expiry).counted(),
        scene("attribute_set_expiry_never", 1, "It is not to expire any more.", set_expiry_never).counted(),
        scene("attribute_set_expiry_missing", 2, "There is none of that name.", set_expiry_missing).counted(),
        scene("attribute_set_expiry_on_gone", 3, "The session was ended meanwhile.", set_expiry_on_gone).counted(),
        scene("attribute_set_expiry_many", 1, "Two attributes.", set_expiry_many).counted(),
        scene("attribute_set_expiry_many_missing", 2, "One of the two is missing.", set_expiry_many_missing).counted(),
    ]
}

// S65
fn create<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    attributes.create(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

fn create_existing<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    assert_eq!(kind(attributes.create(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::AlreadyExists);
}

// S72
fn create_expired<D: Db>(stage: &mut Stage<D>) {
    let attributes = expired(stage);
    stage.begin();
    attributes.create(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
}

// S94
fn create_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.create(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::Gone);
}

fn create_many<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    attributes.create_many(&mut stage.conn, several(2), WriteOptions::new()).unwrap();
}

fn create_many_mixed<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    let mixed = several(2).into_iter().enumerate().map(|(at, one)| if at == 0 { one.never() } else { one });
    stage.begin();
    attributes.create_many(&mut stage.conn, mixed, WriteOptions::new()).unwrap();
}

// S88
fn create_many_existing<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(1));
    stage.begin();
    let error = attributes.create_many(&mut stage.conn, several(2), WriteOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::AlreadyExists, Some(name(0).as_str())));
}

fn create_many_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.create_many(&mut stage.conn, several(2), WriteOptions::new())), ErrorKind::Gone);
}

fn update_with<D: Db>(stage: &mut Stage<D>, options: WriteOptions) {
    let attributes = holding(stage, [one().expires_in(seconds(60))]);
    stage.begin();
    attributes.update_with(&mut stage.conn, ATTRIBUTE, VALUE, options).unwrap();
}

// S68
fn update<D: Db>(stage: &mut Stage<D>) {
    update_with(stage, WriteOptions::new());
}

// S74
fn update_never<D: Db>(stage: &mut Stage<D>) {
    update_with(stage, WriteOptions::new().never());
}

fn update_encrypted<D: Db>(stage: &mut Stage<D>) {
    update_with(stage, WriteOptions::new().encrypted());
}

// S69
fn update_missing<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert_eq!(kind(attributes.update(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::NotFound);
}

// S73
fn update_expired<D: Db>(stage: &mut Stage<D>) {
    let attributes = expired(stage);
    stage.begin();
    assert_eq!(kind(attributes.update(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::NotFound);
}

// S94
fn update_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.update(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::Gone);
}

fn update_on_rotated<D: Db>(stage: &mut Stage<D>) {
    let attributes = rotated(stage);
    stage.begin();
    assert_eq!(kind(attributes.update(&mut stage.conn, ATTRIBUTE, VALUE)), ErrorKind::Rotated);
}

fn update_many_of<D: Db, const COUNT: usize>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(COUNT));
    stage.begin();
    attributes.update_many(&mut stage.conn, several(COUNT), WriteOptions::new()).unwrap();
}

// S88
fn update_many_missing<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(1));
    stage.begin();
    let error = attributes.update_many(&mut stage.conn, several(2), WriteOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some(name(1).as_str())));
}

// S87
fn update_many_keep_and_never<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(2));
    let two = [several(1).remove(0), Attribute::new(name(1), VALUE).unwrap().never()];
    stage.begin();
    attributes.update_many(&mut stage.conn, two, WriteOptions::new()).unwrap();
}

// S76
fn set_expiry<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    attributes.set_expiry(&mut stage.conn, ATTRIBUTE, Expiry::In(seconds(60))).unwrap();
}

fn set_expiry_never<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one().expires_in(seconds(60))]);
    stage.begin();
    attributes.set_expiry(&mut stage.conn, ATTRIBUTE, Expiry::Never).unwrap();
}

// S73
fn set_expiry_missing<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert_eq!(kind(attributes.set_expiry(&mut stage.conn, ATTRIBUTE, Expiry::Never)), ErrorKind::NotFound);
}

// S94
fn set_expiry_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.set_expiry(&mut stage.conn, ATTRIBUTE, Expiry::Never)), ErrorKind::Gone);
}

fn set_expiry_many<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(2));
    stage.begin();
    attributes.set_expiry_many(&mut stage.conn, names(2), Expiry::In(seconds(60))).unwrap();
}

fn set_expiry_many_missing<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(1));
    stage.begin();
    let error = attributes.set_expiry_many(&mut stage.conn, names(2), Expiry::Never).unwrap_err();
    assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some(name(1).as_str())));
}
