//! The layer for axum, and what handlers ask for: [`SessionLayer`], [`WebSession`], [`Bound`], [`Owner`].

mod answer;
mod extract;
mod layer;
mod request;
mod web_session;

pub use extract::{Owner, OwnerRejection, WebSessionRejection};
pub use layer::{SessionLayer, SessionService};
pub use web_session::{Bound, WebSession};
