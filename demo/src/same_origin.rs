//! Refuses what another site makes a browser send, beside the cookie's SameSite=Lax.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Lets a request through that changes nothing, or comes from a page of this shop.
pub(crate) async fn only(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.uri(), request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

/// What the browser says of where the request comes from; old browsers know `Origin` alone. Where there is neither it is no
/// browser, and nobody's cookie is at stake.
///
/// `Origin` is compared with the host that was asked, without its scheme: behind a proxy that ends TLS a shop does not know its own.
/// `Sec-Fetch-Site` minds the scheme.
fn is_own(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            // A request that names its host in the target (HTTP/2, or to a proxy) means that one.
            let asked = uri.authority().map(|authority| authority.as_str()).or(text(header::HOST.as_str()));
            host.is_some() && host == asked
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_own_if_the_browser_says_so() {
        let own = |pairs: &[(&'static str, &str)]| {
            is_own(
                &Uri::from_static("/"),
                &pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            )
        };
        assert!(own(&[]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "none")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[("sec-fetch-site", "cross-site"), ("origin", "http://shop.test"), ("host", "shop.test")]));
        assert!(own(&[("origin", "http://shop.test:3000"), ("host", "shop.test:3000")]));
        assert!(!own(&[("origin", "http://shop.test:3001"), ("host", "shop.test:3000")]));
        assert!(!own(&[("origin", "null"), ("host", "shop.test")]));
        assert!(!own(&[("origin", "http://shop.test")]));

        let target = Uri::from_static("https://shop.test/cart");
        let origin = |origin: &'static str| HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
        assert!(is_own(&target, &origin("https://shop.test")));
        assert!(!is_own(&target, &origin("https://other.test")));
    }
}
