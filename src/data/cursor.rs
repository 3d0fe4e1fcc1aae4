//! Passing over the pieces of a JSON text without making anything of them.

/// Digits before a number's point; an `f64` holds those of 308.
pub(super) const LONGEST: usize = 300;

/// What is left of a text; `None` from any of its methods: the text is not surely readable.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
}

impl Cursor<'_> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next byte that is no white space.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\t' | b'\r' => {}
                token => return Some(token),
            }
        }
    }

    pub(super) fn word(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// A key, in the way of a string. serde_json has a meaning of its own for some with a dollar, where an application switches on
    /// its features `raw_value` or `arbitrary_precision`.
    #[inline]
    pub(super) fn key(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'$' | b'\\' => None,
            _ => self.string(),
        }
    }

    /// What follows an opening quote, and the closing one.
    #[inline]
    pub(super) fn string(&mut self) -> Option<()> {
        loop {
            self.plain();
            match self.byte()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1F => return None,
                _ => {}
            }
        }
    }

    /// Passes over bytes that stand for themselves in a string, eight at a time, and stops at the latest within eight of the last.
    #[inline]
    pub(super) fn plain(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        // A byte's highest bit is set where it is zero, and perhaps in bytes after the first of those.
        let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        while let Some((chunk, rest)) = self.rest.split_first_chunk() {
            let bytes = u64::from_le_bytes(*chunk);
            let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
            let quotes = zeros(bytes ^ (ONES * u64::from(b'"')));
            let backslashes = zeros(bytes ^ (ONES * u64::from(b'\\')));
            let found = (controls | quotes | backslashes) & (ONES * 0x80);
            if found != 0 {
                self.rest = self.rest.get(found.trailing_zeros() as usize / 8..).unwrap_or_default();
                return;
            }
            self.rest = rest;
        }
    }

    /// What follows a backslash.
    pub(super) fn escape(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let mut code = 0;
                for _ in 0..4 {
                    code = code << 4 | char::from(self.byte()?).to_digit(16)?;
                }
                char::from_u32(code).map(|_| ())
            }
            _ => None,
        }
    }

    /// What follows a number's first digit.
    pub(super) fn number(&mut self, first: u8) -> Option<()> {
        match first {
            b'0' => {}
            b'1'..=b'9' if self.digits() <= LONGEST => {}
            _ => return None,
        }
        if let Some(fraction) = self.rest.strip_prefix(b".") {
            self.rest = fraction;
            if self.digits() == 0 {
                return None;
            }
        }
        match self.rest.first() {
            Some(b'e' | b'E') => None,
            _ => Some(()), // what must not follow a value is found by whoever looks for what may
        }
    }

    /// Passes over digits, and says how many there were.
    pub(super) fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = self.rest.get(count..).unwrap_or_default();
        count
    }
}
