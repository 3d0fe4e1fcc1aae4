//! Opens what an attacker with write access to the database would put in place of a sealed value.
//!
//! The first byte chooses: bytes of any kind, a sealed value with some bytes changed, or a text that is sealed here and
//! opened again. Nothing may panic, and nothing may open but what was sealed for that very place.
#![no_main]

use diesel_sessions::__private::sealing::{open, seal};
use diesel_sessions::Keyring;
use libfuzzer_sys::fuzz_target;

const HERE: [&str; 3] = ["session_attributes", "7", "otp"];

/// What `"123456"` looks like, sealed for `HERE` with the first key.
const SEALED: &str = include_str!("../../src/crypto/sealed.hex");

fuzz_target!(|data: &[u8]| {
    let keyring = Keyring::new("2026-11", [7; 32]).and_then(|ring| ring.and("2026-05", [3; 32])).expect("two keys");
    let Some((choice, data)) = data.split_first() else { return };
    match choice % 3 {
        0 => {
            if data != sealed() {
                assert!(!open(&keyring, HERE, data).is_ok(), "a forgery opened");
            }
        }
        1 => {
            let mut bytes = sealed();
            for edit in data.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (bytes.len() + 1);
                match (edit[2], at < bytes.len()) {
                    (0, _) => bytes.truncate(at),
                    (change, true) => bytes[at] ^= change,
                    (more, false) => bytes.push(more),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            let opened = open(&keyring, HERE, &bytes).ok();
            assert_eq!(opened.is_some(), bytes == sealed(), "what was changed must not open, what was not must");
        }
        _ => {
            let bytes = seal(&keyring, HERE, data).expect("there is randomness");
            assert_eq!(open(&keyring, HERE, &bytes).as_deref().ok(), Some(data));
            for elsewhere in
                [["session_attribute", "s7", "otp"], ["session_attributes", "7o", "tp"], ["session_attributes", "8", "otp"]]
            {
                assert!(open(&keyring, elsewhere, &bytes).is_err(), "it opened elsewhere");
            }
        }
    }
});

fn sealed() -> Vec<u8> {
    let hex = SEALED.trim_end();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}
