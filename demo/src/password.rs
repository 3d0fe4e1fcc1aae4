//! Passwords: hashed with Argon2id, which is slow on purpose, so never on a thread that serves requests.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use diesel::prelude::*;

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

/// Hashes a password, on a thread that may block.
pub(crate) async fn hash(password: String) -> Result<String, Failure> {
    let hash = tokio::task::spawn_blocking(move || hash_now(password.as_bytes())).await;
    hash.ok().and_then(Result::ok).ok_or(Failure::Broken("a password could not be hashed"))
}

/// Whether it is the password of this hash; without a hash it is not, which takes as long to say.
pub(crate) async fn is_right(password: String, hash: Option<String>) -> Result<bool, Failure> {
    let checked = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone())?;
        let hash = PasswordHash::new(&hash).ok()?;
        let is_right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        Some(known && is_right)
    });
    checked.await.ok().flatten().ok_or(Failure::Broken("a password could not be checked"))
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
