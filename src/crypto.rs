//! Encryption of attributes: a keyring, and values sealed with XAES-256-GCM. It knows nothing of Diesel.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use xaes_256_gcm::aead::KeyInit as _;
use xaes_256_gcm::{Key as KeyBytes, Xaes256Gcm};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

mod sealed;

pub(crate) use sealed::Address;

/// The keys of a repository's encrypted attributes. The first one writes, all of them read.
///
/// A key is 32 bytes, for instance from `openssl rand -base64 32`. Its name, 1 to 64 ASCII letters, digits, `-`, `_` or `.`, stands
/// in clear beside every value that it has sealed.
///
/// To replace a key where several processes run: give all of them the new key *behind* the old one, so that each can read it;
/// then put it first everywhere; then [`reseal`](crate::SessionRepository::reseal) until that finds nothing more to do; then
/// take the old one away.
///
/// Cloning is cheap. The keys are overwritten when the last clone is dropped, and `Debug` shows none.
///
/// # What a sealed value looks like
///
/// Format 1, in this order:
///
/// | bytes | what |
/// |---|---|
/// | 1 | the format: 1 |
/// | 1 | *n*, the length of the key's name |
/// | *n* | the key's name |
/// | 8 | the key's check: the first 8 bytes of SHA-256("diesel-sessions key 1" ‖ key) |
/// | 8 | the place's check: the first 8 bytes of SHA-256("diesel-sessions place 1" ‖ table ‖ row id ‖ name) |
/// | 24 | the nonce, from the generator of the operating system |
/// | 4 | *m*, the length of the value's JSON text, the lowest byte first |
/// | *m* | the ciphertext |
/// | 16 | the tag |
///
/// The cipher is XAES-256-GCM ([C2SP](https://c2sp.org/XAES-256-GCM)), whose nonces may be random for 2⁸⁰ values of a key. Its
/// associated data is format ‖ table ‖ row id ‖ name ‖ key's name: a value that is moved elsewhere does not open. Wherever texts
/// are joined, each stands behind its length in 4 bytes, the lowest first; the row id is written in decimal. The two checks
/// tell *why* a value does not open; what they say is believed only to refuse.
///
/// # Example
///
/// ```
/// use diesel_sessions::Keyring;
///
/// let (new, old) = ([7; 32], [3; 32]);
/// let keyring = Keyring::new("2026-11", new)?.and("2026-05", old)?;
/// assert_eq!(keyring.names().collect::<Vec<_>>(), ["2026-11", "2026-05"]);
/// assert_eq!(format!("{keyring:?}"), "Keyring(2 keys)");
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    /// Each in a place of its own: a vector that grows would leave what it held behind.
    keys: Vec<Arc<Key>>,
}

struct Key {
    name: String,
    check: Check,
    cipher: Xaes256Gcm,
}

/// The beginning of a SHA-256.
type Check = [u8; 8];

/// Bytes of a key.
const KEY_LEN: usize = 32;
/// Most bytes of a key's name.
const MAX_NAME: usize = 64;
const DEED: &str = "could not make the keyring";

impl Keyring {
    /// A keyring of one key of 32 bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a key that has not 32 bytes, and a name that is none.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{ErrorKind, Keyring};
    ///
    /// assert!(Keyring::new("2026-11", [7; 32]).is_ok());
    /// assert_eq!(Keyring::new("2026-11", [7; 16]).unwrap_err().kind(), ErrorKind::Config);
    /// ```
    pub fn new(name: impl Into<String>, key: impl AsRef<[u8]>) -> Result<Self> {
        Ok(Keyring { keys: vec![Arc::new(Key::new(name.into(), key.as_ref())?)] })
    }

    /// The same keyring with one more key that reads.
    ///
    /// # Errors
    ///
    /// As [`new`](Keyring::new), and for a name that the keyring has.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Keyring;
    ///
    /// let keyring = Keyring::new("2026-11", [7; 32])?.and("2026-05", [3; 32])?;
    /// assert_eq!(keyring.names().next(), Some("2026-11"), "the first one writes");
    /// assert!(keyring.and("2026-11", [1; 32]).is_err());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn and(mut self, name: impl Into<String>, key: impl AsRef<[u8]>) -> Result<Self> {
        let key = Key::new(name.into(), key.as_ref())?;
        if self.keys.iter().any(|known| known.name == key.name) {
            return Err(refuse(format!("two keys are named `{}`", key.name)));
        }
        self.keys.push(Arc::new(key));
        Ok(self)
    }

    /// Reads the keyring from an environment variable: `name:base64,name:base64`, the first one writes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the variable is not set, or does not say a keyring.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{ErrorKind, Keyring};
    ///
    /// let error = Keyring::from_env("A_VARIABLE_THAT_IS_NOT_SET").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Config);
    /// ```
    pub fn from_env(variable: &str) -> Result<Self> {
        let text = std::env::var(variable).map(Zeroizing::new).map_err(|error| {
            // `NotUnicode` would show what the variable holds.
            let state = if error == std::env::VarError::NotPresent { "not set" } else { "no text" };
            refuse(format!("the environment variable {variable} is {state}"))
        })?;
        text.parse()
    }

    /// Reads the keyring from a file: as in an environment variable, where a line's end counts as a comma.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the file cannot be read, or does not say a keyring.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Keyring;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("session-keys");
    /// std::fs::write(&path, "2026-11:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n")?;
    /// assert_eq!(Keyring::from_file(&path)?.names().next(), Some("2026-11"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|error| refuse(format!("the file {} cannot be read", path.display())).with_source(error))?;
        std::str::from_utf8(&bytes).map_err(|_| refuse(format!("the file {} is no text", path.display())))?.parse()
    }

    /// The names of the keys; the first one writes.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Keyring;
    ///
    /// let keyring: Keyring = "a:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse()?;
    /// assert_eq!(keyring.names().collect::<Vec<_>>(), ["a"]);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.name.as_str())
    }

    /// The key that writes.
    fn first(&self) -> &Key {
        // OK because a keyring begins with one key, and none is ever taken out.
        &self.keys[0]
    }
}

/// `name:base64,name:base64`, in standard or URL-safe base64, padded or not. Spaces and empty parts are passed over.
impl FromStr for Keyring {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut keyring: Option<Keyring> = None;
        for part in text.split([',', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty()) {
            // A part is never repeated in an error: it may be a key.
            let (name, base64) = part.split_once(':').ok_or_else(|| refuse("a key is not written as `name:base64`"))?;
            let (name, key) = (name.trim(), decoded(base64.trim())?);
            keyring = Some(match keyring {
                None => Keyring::new(name, &*key)?,
                Some(keyring) => keyring.and(name, &*key)?,
            });
        }
        keyring.ok_or_else(|| refuse("there is no key"))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}

impl Key {
    fn new(name: String, key: &[u8]) -> Result<Self> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            return Err(refuse(format!("a key's name has 1 to {MAX_NAME} ASCII letters, digits, `-`, `_` or `.`")));
        }
        let bytes = <&KeyBytes>::try_from(key)
            .map_err(|_| refuse(format!("the key `{name}` has {} bytes; a key has {KEY_LEN}", key.len())))?;
        Ok(Key { name, check: check(b"diesel-sessions key 1", &[key]), cipher: Xaes256Gcm::new(bytes) })
    }
}

/// The first bytes of SHA-256 of a purpose and what follows.
fn check(purpose: &[u8], parts: &[&[u8]]) -> Check {
    let hash = parts.iter().fold(Sha256::new().chain_update(purpose), |hash, part| hash.chain_update(part)).finalize();
    std::array::from_fn(|place| hash[place])
}

fn decoded(base64: &str) -> Result<Zeroizing<Vec<u8>>> {
    const ANY_PADDING: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if base64.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let mut bytes = Zeroizing::new(Vec::with_capacity(base64.len()));
    // The error would name a byte of the key.
    GeneralPurpose::new(alphabet, ANY_PADDING).decode_vec(base64, &mut bytes).map_err(|_| refuse("a key is no base64"))?;
    Ok(bytes)
}

fn refuse(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, DEED).with_detail(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 27
    #[test]
    fn keys_are_overwritten_when_dropped() {
        fn is_overwritten<T: zeroize::ZeroizeOnDrop>() {}
        is_overwritten::<Xaes256Gcm>();
    }

    // SECURITY 27
    #[test]
    fn a_keyring_is_read_from_text() {
        let (key, key_url) = ("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
        for text in [format!("a:{key},b:{key}"), format!("a:{key_url}\r\n\n b : {key} ,"), format!("a:{key_url},b:{key_url}")] {
            let keyring: Keyring = text.parse().unwrap();
            assert_eq!(keyring.names().collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(keyring.keys[0].check, keyring.keys[1].check, "two spellings of one key");
        }
        for text in ["", " ,\n", key, "a", "a:", "a:////", &format!(":{key}"), &format!("ä:{key}"), &format!("a:{key}!")] {
            let error = text.parse::<Keyring>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(!format!("{error} {error:?}").contains("7+/v7"), "{error:?}");
        }
        assert!(format!("a:{key},a:{key}").parse::<Keyring>().is_err(), "two keys of one name");
    }

    // SECURITY 27
    #[test]
    fn a_key_has_thirty_two_bytes() {
        for len in [0, 16, 31, 33, 64] {
            assert_eq!(Keyring::new("a", vec![7; len]).unwrap_err().kind(), ErrorKind::Config, "{len}");
        }
        assert!(Keyring::new("a".repeat(64), [7; 32]).is_ok());
        assert!(Keyring::new("a".repeat(65), [7; 32]).is_err());
    }

    // SECURITY 8
    #[test]
    fn debug_shows_no_key() {
        let keyring = Keyring::new("a", [0xab; 32]).unwrap();
        assert_eq!(format!("{keyring:?} {keyring:#?}"), "Keyring(1 keys) Keyring(1 keys)");
    }
}
