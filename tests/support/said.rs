//! What the library says while a test runs, and every token it issued meanwhile: the two never meet.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use diesel_sessions::{RandomTokens, Result, SessionToken, TokenSource};

/// Random tokens, each of them remembered here.
pub struct RememberedTokens;

static TOKENS: Mutex<Option<HashSet<String>>> = Mutex::new(None);

impl TokenSource for RememberedTokens {
    fn token(&self) -> Result<SessionToken> {
        let token = RandomTokens.token()?;
        let mut tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get_or_insert_default().insert(token.reveal().to_owned());
        Ok(token)
    }
}

/// What was said since it was last looked through, by all tests that run.
static PAGE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// How much was said in all.
static LENGTH: AtomicU64 = AtomicU64::new(0);

struct Page;

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        PAGE.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        LENGTH.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on everything is listened to, except what a test's own subscriber hears.
pub fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Page).with_ansi(false).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// How many bytes were said so far, whoever has looked through them.
pub fn length() -> u64 {
    LENGTH.load(Ordering::Relaxed)
}

/// Looks through what was said since the last time, other tests' part included: a token is remembered before it is used.
// SECURITY 8
pub fn assert_no_token_was_said() {
    let page = std::mem::take(&mut *PAGE.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(place) = token_in(&page) {
        let around = &page[place.saturating_sub(500)..(place + 200).min(page.len())];
        panic!("a token was said: {}", String::from_utf8_lossy(around));
    }
}

/// Where a token stands that was issued by [`RememberedTokens`]. They are 43 letters of base64url.
pub fn token_in(text: &[u8]) -> Option<usize> {
    const LETTERS: usize = 43;
    let tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    let tokens = tokens.as_ref()?;
    let mut run = 0;
    for (place, letter) in text.iter().enumerate() {
        run = if letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_') { run + 1 } else { 0 };
        if run >= LETTERS {
            let start = place + 1 - LETTERS;
            if std::str::from_utf8(&text[start..=place]).is_ok_and(|word| tokens.contains(word)) {
                return Some(start);
            }
        }
    }
    None
}

/// What `work` comes to, and all that is said on this thread while it runs.
pub fn on_this_thread<T>(work: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone)]
    struct OwnPage(Arc<Mutex<Vec<u8>>>);
    impl Write for OwnPage {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let page = OwnPage(Arc::default());
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let done = tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    (done, text)
}
