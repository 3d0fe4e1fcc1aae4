//! The layer for axum, and what handlers ask for: [`SessionLayer`], [`WebSession`], [`Bound`], [`Owner`].

mod answer;
mod bound;
mod extract;
mod layer;
mod request;
mod web_session;

pub use bound::Bound;
pub use extract::{Owner, OwnerRejection, WebSessionRejection};
pub use layer::{SessionLayer, SessionService};
pub use web_session::WebSession;
