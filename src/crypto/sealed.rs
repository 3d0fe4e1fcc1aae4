//! The format of a sealed value: writing it, taking it apart, opening it.

use std::cmp::Ordering;

use xaes_256_gcm::Xaes256Gcm;
use xaes_256_gcm::aead::{Aead as _, AeadCore, Nonce, Payload};
use zeroize::Zeroizing;

use super::{Check, Key, Keyring, check};
use crate::error::{Error, ErrorKind, Result, Unopened};

const FORMAT: u8 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
const CHECK_LEN: usize = size_of::<Check>();
const LENGTH_LEN: usize = size_of::<u32>();

/// Where a sealed value belongs; it opens nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    /// The table's name in the database.
    pub(crate) table: &'a str,
    /// The row id of the session, in decimal.
    pub(crate) row: &'a str,
    /// The attribute's name.
    pub(crate) name: &'a str,
}

impl Keyring {
    /// Seals a text for a place, with the first key.
    pub(crate) fn seal(&self, address: Address<'_>, text: &[u8]) -> Result<Vec<u8>> {
        let key = self.first();
        let mut nonce = Nonce::<Xaes256Gcm>::default();
        getrandom::fill(&mut nonce).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "could not seal the value")
                .with_detail("no randomness from the operating system")
                .with_source(error)
        })?;
        Ok(seal_with(key, &nonce, address, text))
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, address: Address<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let parts = Parts::of(sealed)?;
        let key = self.keys.iter().find(|key| key.name.as_bytes() == parts.key).ok_or(Unopened::MissingKey)?;
        if key.check != parts.key_check {
            return Err(Unopened::WrongKey);
        }
        if address.check() != parts.place_check {
            return Err(Unopened::Swapped);
        }
        let payload = Payload { msg: parts.ciphertext, aad: &address.associated_data(&key.name) };
        key.cipher.decrypt(&parts.nonce, payload).map(Zeroizing::new).map_err(|_| Unopened::Tampered)
    }

    /// A value sealed with the first key, for the same place; why not, when it does not open.
    pub(crate) fn seal_anew(&self, address: Address<'_>, sealed: &[u8]) -> Result<Result<Vec<u8>, Unopened>> {
        match self.open(address, sealed) {
            Ok(text) => self.seal(address, &text).map(Ok),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// The name of the key that a value says it was sealed with; none when it is no sealed value.
    pub(crate) fn key_of(sealed: &[u8]) -> Option<&str> {
        std::str::from_utf8(Parts::of(sealed).ok()?.key).ok()
    }

    /// The bytes that every value sealed with the first key begins with.
    pub(crate) fn beginning(&self) -> Vec<u8> {
        self.first().beginning()
    }
}

/// The parts of a sealed value.
struct Parts<'a> {
    key: &'a [u8],
    key_check: Check,
    place_check: Check,
    nonce: Nonce<Xaes256Gcm>,
    /// Ciphertext and tag.
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, Unopened> {
        let (&format, rest) = sealed.split_first().ok_or(Unopened::Truncated)?;
        if format != FORMAT {
            return Err(Unopened::UnknownFormat);
        }
        let (&key_len, rest) = rest.split_first().ok_or(Unopened::Truncated)?;
        let (key, rest) = rest.split_at_checked(key_len.into()).ok_or(Unopened::Truncated)?;
        let (&key_check, rest) = rest.split_first_chunk::<CHECK_LEN>().ok_or(Unopened::Truncated)?;
        let (&place_check, rest) = rest.split_first_chunk::<CHECK_LEN>().ok_or(Unopened::Truncated)?;
        let (&nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Unopened::Truncated)?;
        let (&len, ciphertext) = rest.split_first_chunk::<LENGTH_LEN>().ok_or(Unopened::Truncated)?;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        match ciphertext.len().cmp(&len.saturating_add(TAG_LEN)) {
            Ordering::Less => return Err(Unopened::Truncated),
            Ordering::Greater => return Err(Unopened::Tampered),
            Ordering::Equal => {}
        }
        Ok(Parts { key, key_check, place_check, nonce: nonce.into(), ciphertext })
    }
}

impl Key {
    fn beginning(&self) -> Vec<u8> {
        // OK because a key's name has at most 64 bytes.
        let len = u8::try_from(self.name.len()).unwrap_or_else(|_| unreachable!("a name of more than 255 bytes"));
        [&[FORMAT, len], self.name.as_bytes(), &self.check].concat()
    }
}

impl Address<'_> {
    fn check(self) -> Check {
        check(b"diesel-sessions place 1", &[&joined(&[self.table.as_bytes(), self.row.as_bytes(), self.name.as_bytes()])])
    }

    fn associated_data(self, key: &str) -> Vec<u8> {
        joined(&[&[FORMAT], self.table.as_bytes(), self.row.as_bytes(), self.name.as_bytes(), key.as_bytes()])
    }
}

fn seal_with(key: &Key, nonce: &Nonce<Xaes256Gcm>, address: Address<'_>, text: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: text, aad: &address.associated_data(&key.name) };
    // The cipher refuses 64 GiB and more, an attribute has at most 64 KiB.
    let ciphertext = key.cipher.encrypt(nonce, payload).unwrap_or_else(|_| unreachable!("a value of 64 GiB"));
    [&key.beginning()[..], &address.check(), nonce, &length(text), &ciphertext].concat()
}

fn length(part: &[u8]) -> [u8; LENGTH_LEN] {
    // OK because values have at most 64 KiB, names at most 191 bytes, and tables' names a few more.
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// Each part behind its length, so that no two lists of parts give the same bytes.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&length(part), *part].concat()).collect()
}

const _: () = {
    use xaes_256_gcm::aead::array::typenum::Unsigned;
    assert!(<Xaes256Gcm as AeadCore>::NonceSize::USIZE == NONCE_LEN);
    assert!(<Xaes256Gcm as AeadCore>::TagSize::USIZE == TAG_LEN);
};

#[cfg(test)]
mod tests {
    use super::*;
    use xaes_256_gcm::aead::KeyInit as _;

    const HERE: Address<'_> = Address { table: "session_attributes", row: "7", name: "otp" };

    fn ring() -> Keyring {
        Keyring::new("2026-11", [7; 32]).unwrap()
    }

    /// The two vectors that C2SP publishes with the cipher.
    #[test]
    fn the_cipher_is_the_one_that_c2sp_specifies() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        for (key, aad, sealed) in [
            ([1; 32], "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            ([3; 32], "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let cipher = Xaes256Gcm::new(&key.into());
            let nonce = (*b"ABCDEFGHIJKLMNOPQRSTUVWX").into();
            let payload = Payload { msg: b"XAES-256-GCM", aad: aad.as_bytes() };
            assert_eq!(cipher.encrypt(&nonce, payload).unwrap(), hex(sealed));
            let payload = Payload { msg: &hex(sealed), aad: aad.as_bytes() };
            assert_eq!(cipher.decrypt(&nonce, payload).unwrap(), b"XAES-256-GCM");
        }
    }

    // S77
    #[test]
    fn what_is_sealed_opens_in_its_place() {
        let ring = ring();
        for text in ["null", "0", "\"\"", "{\"a\":[1,2,3]}"] {
            let sealed = ring.seal(HERE, text.as_bytes()).unwrap();
            assert_eq!(&**ring.open(HERE, &sealed).unwrap(), text.as_bytes());
            assert_ne!(sealed, ring.seal(HERE, text.as_bytes()).unwrap(), "each has a nonce of its own");
            assert!(sealed.starts_with(&ring.beginning()));
        }
    }

    // S85
    #[test]
    fn what_an_older_key_has_sealed_is_sealed_with_the_first() {
        let (old, both) = (Keyring::new("old", [3; 32]).unwrap(), ring().and("old", [3; 32]).unwrap());
        let sealed = old.seal(HERE, b"\"secret\"").unwrap();
        assert_eq!(Keyring::key_of(&sealed), Some("old"));
        let anew = both.seal_anew(HERE, &sealed).unwrap().unwrap();
        assert_eq!(Keyring::key_of(&anew), Some("2026-11"));
        assert_eq!(&**ring().open(HERE, &anew).unwrap(), b"\"secret\"");
        assert_eq!(ring().seal_anew(HERE, &sealed).unwrap(), Err(Unopened::MissingKey));
        assert_eq!(Keyring::key_of(b"no sealed value"), None);
    }

    // S84, SECURITY 25
    #[test]
    fn what_is_sealed_opens_nowhere_else() {
        let ring = ring();
        let sealed = ring.seal(HERE, b"\"secret\"").unwrap();
        for elsewhere in [
            Address { table: "other_attributes", ..HERE },
            Address { row: "8", ..HERE },
            Address { name: "otq", ..HERE },
            Address { row: "7o", name: "tp", ..HERE },
        ] {
            assert_eq!(ring.open(elsewhere, &sealed).unwrap_err(), Unopened::Swapped);
            // Also where the check of the place was written anew.
            let mut moved = sealed.clone();
            let at = ring.beginning().len();
            moved[at..at + CHECK_LEN].copy_from_slice(&elsewhere.check());
            assert_eq!(ring.open(elsewhere, &moved).unwrap_err(), Unopened::Tampered);
        }
    }

    // S83, SECURITY 25, 26
    #[test]
    fn every_changed_bit_and_every_missing_byte_is_found() {
        let ring = ring().and("old", [3; 32]).unwrap();
        let sealed = ring.seal(HERE, b"\"secret\"").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(ring.open(HERE, &changed).is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert_eq!(ring.open(HERE, &sealed[..len]).unwrap_err(), Unopened::Truncated, "{len} bytes");
        }
        assert_eq!(ring.open(HERE, &[sealed, vec![0]].concat()).unwrap_err(), Unopened::Tampered);
    }

    // S83
    #[test]
    fn each_reason_has_a_name() {
        let sealed = ring().seal(HERE, b"\"secret\"").unwrap();
        let with = |ring: &Keyring, bytes: &[u8]| ring.open(HERE, bytes).unwrap_err();
        let changed = |at: usize| {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            bytes
        };
        assert_eq!(with(&Keyring::new("another", [7; 32]).unwrap(), &sealed), Unopened::MissingKey);
        assert_eq!(with(&Keyring::new("2026-11", [8; 32]).unwrap(), &sealed), Unopened::WrongKey);
        assert_eq!(with(&ring(), &sealed[..sealed.len() - 1]), Unopened::Truncated);
        assert_eq!(with(&ring(), &changed(0)), Unopened::UnknownFormat);
        assert_eq!(with(&ring(), &changed(sealed.len() - 1)), Unopened::Tampered);
    }

    /// What this version has sealed, later versions open.
    #[test]
    fn the_format_stays() {
        let ring = ring();
        let sealed = seal_with(ring.first(), &[9; NONCE_LEN].into(), HERE, b"\"123456\"");
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("sealed.hex").trim_end());
        assert_eq!(&**ring.open(HERE, &sealed).unwrap(), b"\"123456\"");
    }
}
