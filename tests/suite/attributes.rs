//! The attributes of a session: S65 to S96.

mod encryption;
mod ending;
mod expired;
mod expiry;
mod keys;
mod many;
mod names;
mod own_tables;
mod purging;
mod raw;
mod reading;
mod reseal;
mod seeds;
mod silence;
mod steps;
mod swapping;
mod tampering;
mod transactions;
mod twin;
mod values;
mod verbs;
