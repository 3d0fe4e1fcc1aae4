//! Sessions at the web edge: what a request presents, and what its answer says. No framework, no runtime, no server.

#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod edge;

pub use cookie::CookieOptions;
#[cfg(feature = "axum")]
pub(crate) use edge::vary;
pub use edge::{Presented, SessionEdge, Visit};
