//! Sessions at the web edge: what a request presents, and what its answer says. No framework, no runtime, no server.

#[cfg(feature = "actix-web")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod edge;
#[cfg(any(feature = "axum", feature = "actix-web"))]
mod handler;
mod plain_http;
mod visit;

pub use cookie::CookieOptions;
pub use edge::SessionEdge;
#[cfg(any(feature = "axum", feature = "actix-web"))]
pub use handler::{Bound, Owner, OwnerRejection, WebSession, WebSessionRejection};
pub use visit::{Presented, Visit};
