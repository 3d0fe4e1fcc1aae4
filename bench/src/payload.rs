//! What a session holds: JSON objects of three sizes, and the tokens by which sessions are found.

use diesel_sessions::SessionToken;
use serde_json::{Map, Value, json};

/// Sizes of `_data` in bytes of JSON text: a signed-in visitor, a cart, and as much as one should keep there.
pub const SIZES: [usize; 3] = [300, 2_000, 8_000];

/// The key that is changed where one key is changed.
pub const CHANGED: &str = "visits";

/// An object of `bytes` bytes of JSON text, to within one entry of a cart: identifiers that do not compress, numbers, short texts.
pub fn document(bytes: usize) -> Map<String, Value> {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut entries = Map::new();
    entries.insert("csrf".into(), noise.text(43).into());
    entries.insert("locale".into(), "en-GB".into());
    entries.insert(CHANGED.into(), 1_000_000.into());
    let mut cart = Vec::new();
    loop {
        entries.insert("cart".into(), Value::Array(cart.clone()));
        let left = bytes.saturating_sub(text(&entries).len());
        if left < 64 {
            entries.insert("note".into(), noise.text(left.saturating_sub(10)).into());
            return entries;
        }
        cart.push(
            json!({ "sku": noise.text(12), "quantity": noise.next() % 9 + 1, "price": (noise.next() % 100_000) as f64 / 100.0 }),
        );
    }
}

/// The text of an object.
pub fn text(entries: &Map<String, Value>) -> String {
    Value::Object(entries.clone()).to_string()
}

/// The token of session number `number`: 32 bytes that end with it.
pub fn token(number: u64) -> SessionToken {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    SessionToken::from_bytes(&bytes).expect("32 bytes are a token")
}

/// Visits the places from 0 to below a number in an order that no cache foresees.
#[derive(Debug, Clone)]
pub struct Visits {
    places: usize,
    last: usize,
}

impl Visits {
    pub fn of(places: usize) -> Self {
        Visits { places, last: 0 }
    }

    pub fn next(&mut self) -> usize {
        self.last = (self.last + 7_919) % self.places; // a prime that divides none of the numbers of places
        self.last
    }
}

/// A generator of noise that is the same in every run (splitmix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(LETTERS[(self.next() % 64) as usize])).collect()
    }
}
