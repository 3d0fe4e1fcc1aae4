#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sqlite"), doc = "Server-side sessions in your own relational schema. The front page shows SQLite.")]

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("diesel-sessions needs a database: switch on its feature `sqlite`, `postgres` or `mysql`");

extern crate self as diesel_sessions;

mod attributes;
mod backend;
mod clock;
mod crypto;
#[cfg(all(feature = "r2d2", any(feature = "sqlite", feature = "mysql")))]
mod customizer;
mod data;
mod error;
mod model;
mod policy;
mod repository;
mod session;
mod source;
#[doc(hidden)]
pub mod statement;
mod token;

pub use crate::attributes::{Attribute, AttributeEntry, EncryptAttributes, Expiry, Resealed, SessionAttributes, WriteOptions};
pub use crate::clock::{Clock, SystemClock, Timestamp6};
pub use crate::crypto::Keyring;
pub use crate::data::JsonText;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::model::{
    CoreColumns, DbAttributes, DbOwnedSession, DbSession, Engine, NoOwner, OwnedModel, RowId, SessionCore, SessionModel,
    TypedColumn,
};
pub use crate::policy::Timeouts;
#[cfg(feature = "tokio")]
pub use crate::repository::PurgeTask;
pub use crate::repository::{OwnerSessions, Purged, Saved, SessionRepository, SessionRepositoryBuilder, SignIn};
pub use crate::session::{OnConflict, Session};
pub use crate::token::{RandomTokens, SessionToken, TokenDigest, TokenSource};
pub use diesel_sessions_derive::DbSession;

#[cfg(all(feature = "r2d2", feature = "mysql"))]
pub use crate::customizer::MysqlCustomizer;
#[cfg(all(feature = "r2d2", feature = "sqlite"))]
pub use crate::customizer::{SqliteCustomizer, Synchronous};
#[cfg(any(feature = "diesel-async-bb8", feature = "diesel-async-deadpool"))]
pub use crate::source::{BlockingConnection, LentConnection};
pub use crate::source::{BlockingPool, ConnectionSource};
#[cfg(feature = "testing")]
pub use crate::testing::{KnownTokens, ManualClock, detached, sign_in_as};
#[cfg(feature = "actix-web")]
pub use crate::web::actix::{MaybeOwner, SessionMiddleware};
#[cfg(feature = "axum")]
pub use crate::web::axum::SessionLayer;
#[cfg(any(feature = "axum", feature = "actix-web"))]
pub use crate::web::{Bound, Owner, WebSession};

#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15", feature = "actix-session-0-11"))]
pub mod adapters;
pub mod migrations;
pub mod plain;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "http")]
pub mod web;

/// What the derive's code calls. No part of the public interface: it changes with every release.
#[doc(hidden)]
pub mod __private;
