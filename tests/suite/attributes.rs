//! The attributes of a session: S65 to S96.

mod seeds;
