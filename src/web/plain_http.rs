//! Plain HTTP to this very machine, as in development, where some browsers drop a Secure cookie.

use http::header::{HOST, HeaderMap};

/// Whether a request came to this very machine, and nothing says that it came encrypted.
pub(super) fn is_plain_local(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(HOST.as_str());
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    let local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    local
        && text("x-forwarded-proto") != "https"
        && !text("forwarded").contains("proto=https")
        && !text("origin").starts_with("https:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
    }

    // S102
    #[test]
    fn plain_http_to_this_machine_is_recognised() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:80", "[::1]", "[::1]:3000"] {
            assert!(is_plain_local(&headers(&[("host", host)])), "{host}");
            assert!(!is_plain_local(&headers(&[("host", host), ("x-forwarded-proto", "https")])), "{host}");
            assert!(!is_plain_local(&headers(&[("host", host), ("origin", "https://localhost")])), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "10.0.0.1:80"] {
            assert!(!is_plain_local(&headers(&[("host", host)])), "{host}");
        }
    }
}
