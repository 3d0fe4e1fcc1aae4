//! A repository is for session models.

use diesel_sessions::SessionRepository;

#[derive(Clone)]
pub struct Parrot;

fn build() {
    SessionRepository::<Parrot>::builder();
}

fn main() {}
