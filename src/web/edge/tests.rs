//! The rules without a database.

use super::*;
use crate::plain::sqlite::PlainSession;

fn edge(cookie: CookieOptions) -> SessionEdge<PlainSession> {
    SessionEdge::new(SessionRepository::builder().build().unwrap(), cookie).unwrap()
}

fn new_visit(edge: &SessionEdge<PlainSession>, presented: bool) -> Visit<PlainSession> {
    Visit { session: edge.sessions.new_session(), presented, was_ended: false, ended_meanwhile: false }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
}

#[test]
fn only_a_change_without_a_server_error_is_saved() {
    let edge = edge(CookieOptions::new());
    let mut visit = new_visit(&edge, false);
    assert!(!edge.is_to_be_saved(&visit, StatusCode::OK));
    visit.session_mut().insert("a", 1).unwrap();
    for code in [100, 200, 204, 303, 400, 401, 404, 409, 499] {
        assert!(edge.is_to_be_saved(&visit, StatusCode::from_u16(code).unwrap()), "{code}");
    }
    for code in [500, 502, 503, 599] {
        assert!(!edge.is_to_be_saved(&visit, StatusCode::from_u16(code).unwrap()), "{code}");
    }
    visit.give_up();
    assert!(!edge.is_to_be_saved(&visit, StatusCode::OK));
}

#[test]
fn an_answer_is_told_the_token_unless_the_session_is_lost() {
    let edge = edge(CookieOptions::new());
    let mut visit = new_visit(&edge, false);
    visit.session.tell(crate::SessionToken::from_bytes(&[7; 32]).unwrap());
    let error = |kind| Err(Error::new(kind, "could not save the session"));
    for (saved, told) in [
        (Ok(()), true),
        (error(ErrorKind::Gone), false),
        (error(ErrorKind::Rotated), false),
        (error(ErrorKind::Conflict), true),
        (error(ErrorKind::Unavailable), true),
    ] {
        let mut headers = HeaderMap::new();
        edge.answer(&visit, &saved, &mut headers);
        assert_eq!(headers.contains_key(SET_COOKIE), told, "{saved:?}");
        assert_eq!(headers.contains_key(CACHE_CONTROL), told, "{saved:?}");
        assert_eq!(headers[VARY], "Cookie");
    }
}

#[test]
fn an_ended_session_removes_the_cookie_that_was_presented() {
    let edge = edge(CookieOptions::new());
    for presented in [true, false] {
        let mut visit = new_visit(&edge, presented);
        visit.session.ended();
        let mut headers = HeaderMap::new();
        edge.answer(&visit, &Ok(()), &mut headers);
        assert_eq!(headers.contains_key(SET_COOKIE), presented);
    }
}

#[test]
fn other_cookies_and_vary_headers_of_the_answer_stay() {
    let edge = edge(CookieOptions::new());
    let mut visit = new_visit(&edge, false);
    visit.session.tell(crate::SessionToken::from_bytes(&[7; 32]).unwrap());
    let mut answer = headers(&[("set-cookie", "theme=dark"), ("vary", "Accept"), ("cache-control", "max-age=60")]);
    edge.answer(&visit, &Ok(()), &mut answer);
    assert_eq!(answer.get_all(SET_COOKIE).iter().count(), 2);
    assert_eq!(answer.get_all(VARY).iter().collect::<Vec<_>>(), ["Accept", "Cookie"]);
    assert_eq!(answer.get_all(CACHE_CONTROL).iter().collect::<Vec<_>>(), ["no-store"]);
}

// S102
#[test]
fn a_secure_cookie_over_plain_http_is_warned_of_once() {
    let local = headers(&[("host", "localhost:3000")]);
    let secure = edge(CookieOptions::new());
    let warned = |edge: &SessionEdge<PlainSession>| edge.notes.warned.load(Ordering::Relaxed);
    assert!(!warned(&secure));
    let _ = secure.clone().presented(&local);
    assert!(warned(&secure), "its clones share the note");
    let plain = edge(CookieOptions::new().over_plain_http());
    let _ = plain.presented(&local);
    assert!(!warned(&plain));
}
