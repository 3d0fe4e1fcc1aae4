//! The tables themselves, set up and read with plain SQL.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::attribute::{Key, NAMES, Stored};
use crate::engine::Engine;
use crate::world::{Content, KEYS, NEVER, NOON, Row, Stamp};

/// The first 128 bits of a token's SHA-256.
pub(crate) fn digest(token: &str) -> u128 {
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).expect("a token is base64url");
    let hash = Sha256::digest(bytes);
    u128::from_be_bytes(hash[..16].try_into().expect("16 bytes"))
}

fn uuid(digest: u128) -> String {
    let hex = format!("{digest:032x}");
    format!("'{}-{}-{}-{}-{}'", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn time(seconds: i64) -> String {
    if seconds == NEVER {
        return "'9999-12-31 00:00:00.000000'".to_owned();
    }
    let time = chrono::DateTime::from_timestamp(NOON + seconds, 0).expect("within the calendar");
    format!("'{}'", time.format("%Y-%m-%d %H:%M:%S%.6f"))
}

fn null<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "NULL".to_owned(), text)
}

fn json(content: &Content) -> String {
    let values = KEYS.iter().zip(content.data).filter_map(|(key, value)| value.map(|value| format!("\"{key}\":{value}")));
    format!("'{{{}}}'", values.collect::<Vec<_>>().join(","))
}

/// Replaces everything by these rows and attributes.
pub(crate) fn set_up<D: Engine>(conn: &mut D::Conn, rows: &[(i64, Row)], attributes: &[(Key, Stored)]) {
    let mut sql = "BEGIN; DELETE FROM session_attributes; DELETE FROM sessions; INSERT INTO sessions (id, _uuid, _data, _version, created_at, authenticated_at, \
                   last_seen_at, expires_at, deadline_at, idle_timeout, persistent, user_id, remote_addr) VALUES "
        .to_owned();
    for (place, (id, Row { stamp, content, .. })) in rows.iter().enumerate() {
        write!(
            sql,
            "{}({id}, {}, {}, {}, {}, {}, {}, {}, {}, {}, FALSE, {}, {})",
            if place == 0 { "" } else { ", " },
            uuid(stamp.token),
            json(content),
            stamp.version,
            time(stamp.created),
            null(stamp.proved, time),
            time(stamp.seen),
            time(stamp.expires),
            null(stamp.deadline, time),
            null(stamp.idle, |idle| idle.to_string()),
            null(content.owner, |owner| owner.to_string()),
            null(content.address, |address| format!("'{address}'")),
        )
        .unwrap();
    }
    let beginning = "; INSERT INTO session_attributes (session_id, name, value, created_at, updated_at, expires_at) VALUES ";
    for (place, ((session, name), Stored { value, created, updated, expires })) in attributes.iter().enumerate() {
        write!(
            sql,
            "{}({session}, '{}', '{value}', {}, {}, {})",
            if place == 0 { beginning } else { ", " },
            NAMES[*name],
            time(*created),
            time(*updated),
            null(*expires, time),
        )
        .unwrap();
    }
    sql.push_str("; COMMIT");
    D::execute(conn, &sql);
}

/// Reads the whole table of sessions.
pub(crate) fn read<D: Engine>(conn: &mut D::Conn) -> BTreeMap<i64, Row> {
    D::texts(conn, D::ROWS).into_iter().map(|line| row(&line.expect("a row"))).collect()
}

/// Reads all attributes, also such as have no session.
pub(crate) fn read_attributes<D: Engine>(conn: &mut D::Conn) -> BTreeMap<Key, Stored> {
    D::texts(conn, D::ATTRIBUTES).into_iter().map(|line| attribute(&line.expect("an attribute in clear"))).collect()
}

fn attribute(line: &str) -> (Key, Stored) {
    let fields: Vec<_> = line.split('|').collect();
    let [session, name, value, created, updated, expires] = fields[..] else { panic!("not an attribute: {line}") };
    let name = NAMES.iter().position(|known| *known == name).expect("a known name");
    let stored = Stored {
        value: value.parse().unwrap(),
        created: whole(created) - NOON,
        updated: whole(updated) - NOON,
        expires: (!expires.is_empty()).then(|| whole(expires) - NOON),
    };
    ((session.parse().unwrap(), name), stored)
}

/// Engines print seconds with decimals; the run's times are whole.
fn whole(text: &str) -> i64 {
    let number = text.parse::<f64>().unwrap_or_else(|_| panic!("not a number: {text}"));
    #[expect(clippy::cast_possible_truncation, reason = "the run's times are whole and small")]
    let whole = number.round() as i64;
    whole
}

fn row(line: &str) -> (i64, Row) {
    let fields: Vec<_> = line.split('|').collect();
    let [id, token, previous, data, version, created, proved, rotated, seen, expires, deadline, idle, persistent, owner, address] =
        fields[..]
    else {
        panic!("not a row: {line}");
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let token_of = |text: &str| u128::from_str_radix(&text.replace('-', ""), 16).unwrap();
    let from_noon = |text: &str| whole(text) - NOON;
    let data: BTreeMap<String, i64> = serde_json::from_str(data).unwrap();
    let stamp = Stamp {
        token: token_of(token),
        previous: some(previous).map(|text| token_of(&text)),
        version: version.parse().unwrap(),
        created: from_noon(created),
        proved: some(proved).map(|text| from_noon(&text)),
        rotated: some(rotated).map(|text| from_noon(&text)),
        seen: from_noon(seen),
        expires: from_noon(expires),
        deadline: some(deadline).map(|text| from_noon(&text)),
        idle: some(idle).map(|text| whole(&text)),
        persistent: matches!(persistent, "1" | "true" | "t"),
    };
    let content = Content {
        data: KEYS.map(|key| data.get(key).copied()),
        owner: some(owner).map(|text| whole(&text)),
        address: some(address).map(|text| text.parse().unwrap()),
    };
    (id.parse().unwrap(), Row { stamp, content, writer: None })
}
