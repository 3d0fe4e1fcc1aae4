//! The verbs of attributes, in every shape: what they have in common.

mod changing;
mod reading;
mod removing;
mod setting;

use diesel_sessions::{Attribute, Error, Session, SessionAttributes, WriteOptions};

use super::Scene;
use crate::stage::{ATTRIBUTE, Stage, VALUE};
use crate::support::{Db, seconds};

pub(super) fn scenes<D: Db>() -> Vec<Scene<D>> {
    [reading::scenes(), setting::scenes(), changing::scenes(), removing::scenes()].into_iter().flatten().collect()
}

/// A stored session, and its attributes.
fn begun<D: Db>(stage: &mut Stage<D>) -> (Session<D::Model>, SessionAttributes<D::Model>) {
    let session = stage.anonymous();
    let attributes = stage.sessions.attributes(&session);
    (session, attributes)
}

/// The attributes of a session that has these already.
fn holding<D: Db>(stage: &mut Stage<D>, held: impl IntoIterator<Item = Attribute>) -> SessionAttributes<D::Model> {
    let (_, attributes) = begun(stage);
    attributes.set_many(&mut stage.conn, held, WriteOptions::new()).unwrap();
    attributes
}

/// The attributes of a session that another request has ended meanwhile.
fn gone<D: Db>(stage: &mut Stage<D>) -> SessionAttributes<D::Model> {
    let (session, attributes) = begun(stage);
    stage.end_elsewhere(&session);
    attributes
}

/// The attributes of a session that another request has rotated meanwhile.
fn rotated<D: Db>(stage: &mut Stage<D>) -> SessionAttributes<D::Model> {
    let (session, attributes) = begun(stage);
    stage.rotate_elsewhere(&session);
    attributes
}

/// The attributes of a session in which the first has expired.
fn expired<D: Db>(stage: &mut Stage<D>) -> SessionAttributes<D::Model> {
    let attributes = holding(stage, [one().expires_in(seconds(60))]);
    stage.clock.advance(seconds(60));
    attributes
}

fn name(number: usize) -> String {
    format!("{ATTRIBUTE}_{number:04}")
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(name).collect()
}

fn one() -> Attribute {
    Attribute::new(ATTRIBUTE, VALUE).unwrap()
}

fn several(count: usize) -> Vec<Attribute> {
    names(count).into_iter().map(|name| Attribute::new(name, VALUE).unwrap()).collect()
}

fn kind<T>(result: Result<T, Error>) -> diesel_sessions::ErrorKind {
    result.err().expect("an error").kind()
}
