//! The secret in the cookie, its digest in the table, and where new ones come from.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, ErrorKind, Result};

/// The secret that a client presents: 32 random bytes, or 16 to 64 of an adapter's own.
///
/// It is shown to the client once and never stored: the table holds its [`TokenDigest`]. It has no `Display`, no
/// `Serialize`, no `PartialEq`, a silent `Debug`, and is overwritten when dropped.
///
/// # Example
///
/// ```
/// use diesel_sessions::SessionToken;
///
/// let token = SessionToken::random()?;
/// assert_eq!(token.reveal().len(), 43);
/// assert_eq!(format!("{token:?}"), "SessionToken(..)");
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionToken {
    text: String,
    #[zeroize(skip)]
    digest: TokenDigest,
}

/// Fewest bytes of a token: 128 bits, the least that OWASP ASVS 5.0 (7.2.3) accepts.
const SHORTEST: usize = 16;
/// Most bytes of a token.
const LONGEST: usize = 64;
/// Bytes of the library's own tokens.
const OWN: usize = 32;
/// Most characters of a token: `LONGEST` bytes in base64url.
pub(crate) const LONGEST_TEXT: usize = (LONGEST * 8).div_ceil(6);

impl SessionToken {
    /// A new token: 32 bytes from the generator of the operating system, 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the operating system has no randomness to give.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::SessionToken;
    ///
    /// let (one, other) = (SessionToken::random()?, SessionToken::random()?);
    /// assert_ne!(one.reveal(), other.reveal());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn random() -> Result<Self> {
        let mut bytes = [0; OWN];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "could not draw a token")
                .with_detail("no randomness from the operating system")
                .with_source(error)
        })?;
        let token = Self::of(&bytes);
        bytes.zeroize();
        Ok(token)
    }

    /// A token of the caller's own bytes, 16 to 64 of them, which nobody else can guess.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for fewer or more bytes.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{ErrorKind, SessionToken};
    ///
    /// assert_eq!(SessionToken::from_bytes(&[7; 16]).unwrap().reveal().len(), 22);
    /// assert_eq!(SessionToken::from_bytes(&[7; 15]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !(SHORTEST..=LONGEST).contains(&bytes.len()) {
            return Err(Error::new(ErrorKind::InvalidArgument, "could not make a token")
                .with_detail(format!("{} bytes; a token has {SHORTEST} to {LONGEST}", bytes.len())));
        }
        Ok(Self::of(bytes))
    }

    /// Reads what a client presents: strict base64url without padding, of 16 to 64 bytes. Anything else is no token.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::SessionToken;
    ///
    /// assert!(SessionToken::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_some());
    /// assert!(SessionToken::parse("AAAA=").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digest = TokenDigest::of_text(text)?;
        Some(SessionToken { text: text.to_owned(), digest }) // strict base64 has one text for the bytes
    }

    /// The token's text, for the cookie and nothing else.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::SessionToken;
    ///
    /// let token = SessionToken::from_bytes(&[0; 16])?;
    /// assert_eq!(token.reveal(), "AAAAAAAAAAAAAAAAAAAAAA");
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What the table holds of it.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::SessionToken;
    ///
    /// let token = SessionToken::random()?;
    /// let presented = SessionToken::parse(token.reveal()).expect("a token");
    /// assert_eq!(presented.digest(), token.digest());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        self.digest
    }

    fn of(bytes: &[u8]) -> Self {
        SessionToken { text: URL_SAFE_NO_PAD.encode(bytes), digest: TokenDigest::of(bytes) }
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// The first 128 bits of SHA-256 over a token's bytes, written as a UUID: the column `_uuid`.
///
/// It looks a session up and is no credential: presented as a cookie it opens nothing. All 128 bits are the hash's own; the
/// version bits of a UUID are not set.
///
/// # Example
///
/// ```
/// use diesel_sessions::SessionToken;
///
/// // SHA-256 of 32 zero bytes begins 66687aadf862bd776c8fc18b8e9f8e20.
/// let digest = SessionToken::from_bytes(&[0; 32])?.digest();
/// assert_eq!(digest.as_uuid().to_string(), "66687aad-f862-bd77-6c8f-c18b8e9f8e20");
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Uuid))]
pub struct TokenDigest(Uuid);

impl TokenDigest {
    /// The digest of no token at all: a new session has it until it gets its row.
    pub(crate) const NONE: TokenDigest = TokenDigest(Uuid::nil());

    fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        TokenDigest(Uuid::from_bytes(first))
    }

    /// The digest of a token as a client presents it; `None` for what is no token.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let mut bytes = [0; LONGEST_TEXT.div_ceil(4) * 3];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok();
        let digest = length.filter(|length| (SHORTEST..=LONGEST).contains(length)).map(|length| Self::of(&bytes[..length]));
        bytes.zeroize();
        digest
    }

    /// The digest as the table's UUID.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{SessionToken, TokenDigest};
    ///
    /// let digest = SessionToken::random()?.digest();
    /// assert_eq!(TokenDigest::from(digest.as_uuid()), digest);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

/// A digest of the application's own, read from elsewhere.
impl From<Uuid> for TokenDigest {
    fn from(uuid: Uuid) -> Self {
        TokenDigest(uuid)
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

/// Where a repository gets new tokens from. Replaced in tests, and by adapters whose framework brings its own ids.
///
/// # Example
///
/// ```
/// use diesel_sessions::{Result, SessionToken, TokenSource};
///
/// struct Longer;
/// impl TokenSource for Longer {
///     fn token(&self) -> Result<SessionToken> {
///         let (a, b) = (SessionToken::random()?, SessionToken::random()?);
///         let bytes = [a.digest().as_uuid().into_bytes(), b.digest().as_uuid().into_bytes()].concat();
///         SessionToken::from_bytes(&bytes)
///     }
/// }
/// assert_eq!(Longer.token()?.reveal().len(), 43);
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// The next token. It must be unguessable, and never given before.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from giving one; the verb that asked fails with it and changes nothing.
    fn token(&self) -> Result<SessionToken>;
}

/// [`SessionToken::random`]: what a repository uses unless it is given another source.
///
/// # Example
///
/// ```
/// use diesel_sessions::{RandomTokens, TokenSource};
///
/// assert_ne!(RandomTokens.token()?.digest(), RandomTokens.token()?.digest());
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomTokens;

impl TokenSource for RandomTokens {
    fn token(&self) -> Result<SessionToken> {
        SessionToken::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_base64url_of_the_right_length_is_a_token() {
        let good = SessionToken::from_bytes(&[7; 32]).unwrap();
        assert_eq!(SessionToken::parse(good.reveal()).unwrap().digest(), good.digest());
        let padded = format!("{}=", good.reveal());
        let spaced = format!(" {}", good.reveal());
        let loose_bits = format!("{}d", &good.reveal()[..42]);
        let long = "A".repeat(4096);
        let bad = [
            "",
            "A",
            "short",
            &padded,
            &spaced,
            &loose_bits,
            &long,
            "nul\0nul",
            "für-immer-und-ewig-und-drei-tage",
            "a+b/c+d/a+b/c+d/a+b/c+d/",
        ];
        for text in bad {
            assert!(SessionToken::parse(text).is_none(), "{text:?}");
        }
        assert!(SessionToken::from_bytes(&[0; 15]).is_err() && SessionToken::from_bytes(&[0; 65]).is_err());
        assert!(SessionToken::parse(&"A".repeat(86)).is_some(), "64 bytes");
    }

    #[test]
    fn no_two_random_tokens_are_alike() {
        let tokens: std::collections::BTreeSet<String> =
            (0..1_000).map(|_| SessionToken::random().unwrap().reveal().to_owned()).collect();
        assert_eq!(tokens.len(), 1_000);
    }
}
