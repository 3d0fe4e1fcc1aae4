//! Headers of actix-web, which has a map of its own and the crate `http` 0.2, as those of `http` 1, and back.

use actix_web::http::StatusCode as ActixStatus;
use actix_web::http::header::{HeaderMap as ActixHeaders, HeaderName as ActixName, HeaderValue as ActixValue};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

/// The headers of a request.
pub(super) fn of_request(headers: &ActixHeaders) -> HeaderMap {
    let pairs = headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_ref()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in pairs {
        map.append(name, value);
    }
    map
}

/// Gives an answer these headers: `Cache-Control` in place of its own, all others beside them.
pub(super) fn add_to(answer: &mut ActixHeaders, headers: &HeaderMap) {
    for (name, value) in headers {
        let converted = (ActixName::from_bytes(name.as_ref()), ActixValue::from_bytes(value.as_bytes()));
        let (Ok(to), Ok(mut held)) = converted else { unreachable!("a header is one in either version") };
        held.set_sensitive(value.is_sensitive());
        if name == CACHE_CONTROL {
            answer.insert(to, held);
        } else {
            answer.append(to, held);
        }
    }
}

/// A status of actix-web's.
pub(super) fn of_status(status: StatusCode) -> ActixStatus {
    ActixStatus::from_u16(status.as_u16()).unwrap_or(ActixStatus::INTERNAL_SERVER_ERROR)
}

/// A status of ours.
pub(super) fn to_status(status: ActixStatus) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;

    use super::*;

    #[test]
    fn a_request_keeps_every_cookie_header_and_every_byte() {
        let mut headers = ActixHeaders::new();
        headers.append(header::COOKIE, ActixValue::from_static("a=1"));
        headers.append(header::COOKIE, ActixValue::from_bytes(b"b=\xff").unwrap());
        headers.insert(header::HOST, ActixValue::from_static("localhost"));
        let map = of_request(&headers);
        assert_eq!(map.get_all("cookie").iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(), [b"a=1".as_slice(), b"b=\xff"]);
        assert_eq!(map["host"], "localhost");
    }

    #[test]
    fn an_answer_keeps_its_own_headers_but_for_cache_control() {
        let mut answer = ActixHeaders::new();
        answer.insert(header::SET_COOKIE, ActixValue::from_static("theme=dark"));
        answer.insert(header::CACHE_CONTROL, ActixValue::from_static("max-age=60"));
        let mut headers = HeaderMap::new();
        let mut cookie = HeaderValue::from_static("id=secret");
        cookie.set_sensitive(true);
        headers.insert("set-cookie", cookie);
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
        add_to(&mut answer, &headers);
        let cookies: Vec<_> = answer.get_all(header::SET_COOKIE).collect();
        assert_eq!(cookies, ["theme=dark", "id=secret"]);
        assert!(cookies[1].is_sensitive());
        assert_eq!(answer.get_all(header::CACHE_CONTROL).collect::<Vec<_>>(), ["no-store"]);
    }

    #[test]
    fn every_status_is_one_in_either_version() {
        for code in 100..1000 {
            let status = StatusCode::from_u16(code).unwrap();
            assert_eq!(to_status(of_status(status)), status);
        }
    }
}
