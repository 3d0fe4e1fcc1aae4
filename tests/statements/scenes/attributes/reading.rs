//! Reading attributes.

use diesel_sessions::ErrorKind;

use super::{begun, expired, gone, holding, kind, name, names, one, rotated, several};
use crate::scenes::{Scene, scene};
use crate::stage::{ATTRIBUTE, Stage, VALUE};
use crate::support::Db;

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    vec![
        scene("attribute_get", 1, "An attribute that exists.", get),
        scene("attribute_get_missing", 1, "There is none of that name.", get_missing),
        scene("attribute_get_expired", 1, "It has expired: it is left alone.", get_expired),
        scene("attribute_get_encrypted", 1, "It is stored encrypted.", get_encrypted),
        scene("attribute_get_on_gone", 2, "The session was ended meanwhile.", get_on_gone),
        scene("attribute_get_on_rotated", 2, "Another request rotated the session.", get_on_rotated),
        scene("attribute_get_of_row", 1, "The session is named by its row, whatever its token.", get_of_row),
        scene("attribute_get_many", 1, "Several at once, one of them missing.", get_many).counted(),
        scene("attribute_get_many_101", 1, "More than go into one statement without arrays.", get_many_101)
            .on("sqlite", 2)
            .on("mysql", 2)
            .counted(),
        scene("attribute_entry", 1, "An attribute as it stands in its row.", entry),
        scene("attribute_exists", 1, "An attribute that exists.", exists).counted(),
        scene("attribute_exists_many", 1, "Several at once, one of them missing.", exists_many).counted(),
        scene("attribute_exists_on_gone", 2, "The session was ended meanwhile.", exists_on_gone).counted(),
        scene("attribute_names", 1, "All names.", all_names),
        scene("attribute_names_of_none", 1, "A session without attributes.", names_of_none),
    ]
}

fn get<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    let value: Option<String> = attributes.get(&mut stage.conn, ATTRIBUTE).unwrap();
    assert_eq!(value.as_deref(), Some(VALUE));
}

fn get_missing<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert_eq!(attributes.get_value(&mut stage.conn, ATTRIBUTE).unwrap(), None);
}

// S71
fn get_expired<D: Db>(stage: &mut Stage<D>) {
    let attributes = expired(stage);
    stage.begin();
    assert_eq!(attributes.get_value(&mut stage.conn, ATTRIBUTE).unwrap(), None);
}

// S77
fn get_encrypted<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one().encrypted()]);
    stage.begin();
    assert_eq!(attributes.get_value(&mut stage.conn, ATTRIBUTE).unwrap(), Some(VALUE.into()));
}

fn get_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.get_value(&mut stage.conn, ATTRIBUTE)), ErrorKind::Gone);
}

fn get_on_rotated<D: Db>(stage: &mut Stage<D>) {
    let attributes = rotated(stage);
    stage.begin();
    assert_eq!(kind(attributes.get_value(&mut stage.conn, ATTRIBUTE)), ErrorKind::Rotated);
}

fn get_of_row<D: Db>(stage: &mut Stage<D>) {
    let (session, attributes) = begun(stage);
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
    stage.rotate_elsewhere(&session);
    let attributes = stage.sessions.attributes_of(session.row_id().unwrap());
    stage.begin();
    assert_eq!(attributes.get_value(&mut stage.conn, ATTRIBUTE).unwrap(), Some(VALUE.into()));
}

// S90
fn get_many<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(1));
    stage.begin();
    let found = attributes.get_many(&mut stage.conn, names(2)).unwrap();
    assert_eq!(found[&name(0)].as_ref().unwrap().as_ref(), Some(&VALUE.into()));
    assert_eq!(found[&name(1)].as_ref().unwrap(), &None);
}

fn get_many_101<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(101));
    stage.begin();
    let found = attributes.get_many(&mut stage.conn, names(101)).unwrap();
    assert!(found.len() == 101 && found.into_values().all(|value| value.unwrap().is_some()));
}

// S78
fn entry<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one().encrypted()]);
    stage.begin();
    assert!(attributes.entry(&mut stage.conn, ATTRIBUTE).unwrap().unwrap().is_encrypted());
}

fn exists<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, [one()]);
    stage.begin();
    assert!(attributes.exists(&mut stage.conn, ATTRIBUTE).unwrap());
}

// S90
fn exists_many<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(1));
    stage.begin();
    let found = attributes.exists_many(&mut stage.conn, names(2)).unwrap();
    assert!(found[&name(0)] && !found[&name(1)]);
}

fn exists_on_gone<D: Db>(stage: &mut Stage<D>) {
    let attributes = gone(stage);
    stage.begin();
    assert_eq!(kind(attributes.exists(&mut stage.conn, ATTRIBUTE)), ErrorKind::Gone);
}

// S91
fn all_names<D: Db>(stage: &mut Stage<D>) {
    let attributes = holding(stage, several(3));
    stage.begin();
    assert_eq!(attributes.names(&mut stage.conn).unwrap(), names(3));
}

fn names_of_none<D: Db>(stage: &mut Stage<D>) {
    let (_, attributes) = begun(stage);
    stage.begin();
    assert!(attributes.names(&mut stage.conn).unwrap().is_empty());
}
