//! The store for tower-sessions: the same tests over both versions, and axum-login over the one that it needs.

mod axum_login;
#[cfg(feature = "sqlite")]
mod other_models;
mod v0_14;
mod v0_15;
