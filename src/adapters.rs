//! Stores for the sessions of other crates, over the same repository.

#[cfg(feature = "actix-session-0-11")]
pub mod actix_session;
#[cfg_attr(
    not(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15")),
    allow(dead_code, reason = "tower-sessions' part")
)]
mod kept;
#[cfg_attr(
    not(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15")),
    allow(dead_code, reason = "tower-sessions' part")
)]
mod memory;
/// What the command-line tool calls, through `__private`. No part of the public interface.
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
#[doc(hidden)]
pub mod moved;
mod owner_path;
#[cfg_attr(
    not(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15")),
    allow(dead_code, reason = "tower-sessions' part")
)]
mod record;
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub mod tower_sessions;
