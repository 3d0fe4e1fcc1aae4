//! Passwords: hashed with Argon2id, which takes time and memory on purpose, so never on a thread that serves requests, and no more at
//! once than there are cores.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use diesel::prelude::*;
use tokio::sync::Semaphore;

use crate::Outcome;
use crate::engine::Conn;
use crate::engine::schema::users;
use crate::failure::Failure;

/// The accounts to try the shop with: name, password, whether it is an operator's.
pub(crate) const ACCOUNTS: [(&str, &str, bool); 2] =
    [("shopper", "three cups of tea", false), ("operator", "a tidy workshop", true)];

/// A hash that no password has. An unknown name is checked against it, so that it takes as long as a known one.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut password = [0; 32];
    getrandom::fill(&mut password).ok()?;
    hash_now(&password).ok()
});

/// Room for as many passwords at once as there are cores. Who comes later waits: more at once would be no faster, and each takes 19 MiB.
static ROOM: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// Hashes a password, on a thread that may block.
pub(crate) async fn hash(password: String) -> Result<String, Failure> {
    let hash = within(&ROOM, move || hash_now(password.as_bytes()).ok()).await;
    hash.ok_or(Failure::Broken("a password could not be hashed"))
}

/// Whether it is the password of this hash; without a hash it is not, which takes as long to say.
pub(crate) async fn is_right(password: String, hash: Option<String>) -> Result<bool, Failure> {
    let checked = within(&ROOM, move || {
        let known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone())?;
        let hash = PasswordHash::new(&hash).ok()?;
        let is_right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        Some(known && is_right)
    });
    checked.await.ok_or(Failure::Broken("a password could not be checked"))
}

/// Does slow work on a thread that may block, once there is room for it; `None` if it panics. The room is taken until the work is done,
/// also when nobody waits for it any more.
async fn within<T: Send + 'static>(room: &'static Semaphore, work: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    let place = room.acquire().await.ok()?;
    let working = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    working.await.ok().flatten()
}

/// Makes the accounts to try the shop with, in a shop without users.
pub(crate) fn seed(conn: &mut Conn) -> Outcome<()> {
    LazyLock::force(&NOBODY);
    if users::table.count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    for (name, password, is_operator) in ACCOUNTS {
        let user =
            (users::name.eq(name), users::password_hash.eq(hash_now(password.as_bytes())?), users::is_operator.eq(is_operator));
        diesel::insert_into(users::table).values(user).execute(conn)?;
    }
    Ok(())
}

fn hash_now(password: &[u8]) -> Outcome<String> {
    Ok(Argon2::default().hash_password(password).map_err(|error| error.to_string())?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_takes_its_room_until_it_is_done() {
        static ROOM: Semaphore = Semaphore::const_new(1);
        let (started, has_started) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let working = tokio::spawn(within(&ROOM, move || {
            started.send(()).unwrap();
            may_go_on.recv().ok()
        }));
        has_started.await.unwrap();
        // Whoever asked has gone away; the thread works on.
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        assert_eq!(ROOM.available_permits(), 0);
        let next = tokio::spawn(within(&ROOM, || Some(ROOM.available_permits())));
        go_on.send(()).unwrap();
        assert_eq!(next.await.unwrap(), Some(0), "the next one has the only place");
        assert!(within(&ROOM, || -> Option<()> { panic!("a panic") }).await.is_none());
        assert_eq!(ROOM.available_permits(), 1, "a panic gives it back");
    }
}
