//! Users, as axum-login wants to be told of them.

use std::convert::Infallible;

use axum_login::{AuthUser, AuthnBackend};

#[derive(Debug, Clone)]
pub(crate) struct User(pub(crate) i64);

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.0
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"the hash of a password" // a real one changes with the password
    }
}

#[derive(Clone)]
pub(crate) struct Users;

impl AuthnBackend for Users {
    type User = User;
    type Credentials = i64;
    type Error = Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, Infallible> {
        Ok(Some(User(id))) // a real one checks a password
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok(Some(User(*id)))
    }
}
