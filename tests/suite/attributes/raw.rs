//! What the tests of encryption share: keyrings, and attribute rows as SQL sees them, without the library.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use diesel_sessions::{Error, Keyring, ManualClock, SessionAttributes};

use crate::life::steps::{Handle, Id, Repo, created};
use crate::support::{Db, repository_with};

/// The attributes of a session of an engine's ready-made model.
pub(super) type Attributes<D> = SessionAttributes<<D as Db>::Model>;

/// A keyring of one key, which is the same byte 32 times.
pub(super) fn key(name: &str, byte: u8) -> Keyring {
    Keyring::new(name, [byte; 32]).unwrap()
}

/// A repository with this keyring, and its clock.
pub(super) fn with_keys<D: Db>(keyring: Keyring) -> (Repo<D>, ManualClock) {
    repository_with::<D>(|builder| builder.keyring(keyring))
}

/// What most tests begin with: a repository with a key, a connection, a session.
pub(super) fn begin<D: Db>(db: &D) -> (Repo<D>, D::Conn, Handle<D>) {
    let (sessions, _) = with_keys::<D>(key("2026-11", 7));
    let mut conn = db.connect();
    let session = created::<D>(&sessions, &mut conn);
    (sessions, conn, session)
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal digits as bytes.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Bytes as a literal of SQL.
pub(super) fn literal<D: Db>(bytes: &[u8]) -> String {
    let hex = hex(bytes);
    if D::NAME == "postgres" { format!("decode('{hex}', 'hex')") } else { format!("X'{hex}'") }
}

/// The row of an attribute, as a condition.
pub(super) fn row_of<D: Db>(row: Id<D>, name: &str) -> String {
    format!("session_id = {row} AND name = '{name}'")
}

/// The sealed bytes in a row, whatever table it is in.
pub(super) fn sealed_in<D: Db>(conn: &mut D::Conn, table: &str, row: Id<D>, name: &str) -> Option<Vec<u8>> {
    let column = if D::NAME == "postgres" { "encode(sealed, 'hex')" } else { "hex(sealed)" };
    // SQLite gives an empty text for NULL.
    let query = format!("SELECT CASE WHEN sealed IS NOT NULL THEN {column} END FROM {table} WHERE {}", row_of::<D>(row, name));
    D::text(conn, &query).as_deref().map(unhex)
}

/// The sealed bytes of an attribute.
pub(super) fn sealed<D: Db>(conn: &mut D::Conn, row: Id<D>, name: &str) -> Vec<u8> {
    sealed_in::<D>(conn, "session_attributes", row, name).expect("the attribute is sealed")
}

/// Replaces the sealed bytes of an attribute.
pub(super) fn put_sealed<D: Db>(conn: &mut D::Conn, row: Id<D>, name: &str, bytes: &[u8]) {
    let (bytes, row) = (literal::<D>(bytes), row_of::<D>(row, name));
    D::execute(conn, &format!("UPDATE session_attributes SET sealed = {bytes} WHERE {row}"));
}

/// Lets a row hold what the library never writes: both of `value` and `sealed`, or none; text that is no JSON.
pub(super) fn drop_checks<D: Db>(conn: &mut D::Conn) {
    D::execute(
        conn,
        match D::NAME {
            "sqlite" => "PRAGMA ignore_check_constraints = ON",
            "postgres" => "ALTER TABLE session_attributes DROP CONSTRAINT session_attributes_value_or_sealed_check",
            _ => {
                "ALTER TABLE session_attributes DROP CONSTRAINT session_attributes_value_or_sealed_check; \
                 ALTER TABLE session_attributes MODIFY value LONGTEXT"
            }
        },
    );
}

/// The questions that an error says yes to.
pub(super) fn answers(error: &Error) -> Vec<&'static str> {
    let questions = [
        ("missing key", error.is_missing_key()),
        ("wrong key", error.is_wrong_key()),
        ("truncated", error.is_truncated()),
        ("tampered", error.is_tampered()),
        ("swapped", error.is_swapped()),
        ("unknown format", error.is_unknown_format()),
    ];
    questions.into_iter().filter(|(_, answer)| *answer).map(|(question, _)| question).collect()
}

/// All that an error says of itself and of its sources.
pub(super) fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?} {error:#?}"));
        source = error.source();
    }
    text
}

/// Every column of every row of every table, each as its bytes.
pub(super) fn dump<D: Db>(conn: &mut D::Conn) -> Vec<Vec<u8>> {
    let (tables, columns) = match D::NAME {
        "sqlite" => (
            "SELECT name FROM sqlite_master WHERE type = 'table'".to_owned(),
            "SELECT name FROM pragma_table_info('{table}')".to_owned(),
        ),
        engine => {
            let here = if engine == "postgres" { "'public'" } else { "DATABASE()" };
            let from =
                |what: &str, list: &str| format!("SELECT {what} FROM information_schema.{list} WHERE table_schema = {here}");
            let bytes = "CASE WHEN data_type = 'bytea' THEN '*' ELSE '' END";
            let column = if engine == "postgres" { format!("{bytes} || column_name") } else { "column_name".to_owned() };
            (from("table_name", "tables"), from(&column, "columns") + " AND table_name = '{table}'")
        }
    };
    let mut dump = Vec::new();
    for table in D::texts(conn, &tables).into_iter().flatten() {
        for column in D::texts(conn, &columns.replace("{table}", &table)).into_iter().flatten() {
            let bytes = match (D::NAME, column.strip_prefix('*')) {
                ("sqlite", _) => format!("hex(CAST(\"{column}\" AS BLOB)) FROM \"{table}\""),
                ("postgres", Some(column)) => format!("encode(\"{column}\", 'hex') FROM \"{table}\""),
                ("postgres", None) => format!("encode(convert_to(CAST(\"{column}\" AS TEXT), 'UTF8'), 'hex') FROM \"{table}\""),
                _ => format!("hex(CAST(`{column}` AS BINARY)) FROM `{table}`"),
            };
            dump.extend(D::texts(conn, &format!("SELECT {bytes}")).iter().flatten().map(|text| unhex(text)));
        }
    }
    dump
}

/// The database's files, where it is one of files, with what was deleted and what is in the log.
pub(super) fn files<D: Db>(db: &D) -> Vec<Vec<u8>> {
    if D::NAME != "sqlite" {
        return Vec::new();
    }
    [db.url(), format!("{}-wal", db.url())].map(|file| std::fs::read(file).unwrap()).into()
}

/// Whether bytes stand somewhere in others.
pub(super) fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// The ways in which a text could stand in a database: as it is, escaped in JSON, in hexadecimal digits, in base64.
pub(super) fn forms(text: &str) -> Vec<Vec<u8>> {
    let json = serde_json::to_string(text).unwrap();
    let escaped = json[1..json.len() - 1].to_owned();
    let ascii: String = escaped
        .chars()
        .flat_map(|letter| {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            if letter.is_ascii() { vec![letter] } else { units.chars().collect() }
        })
        .collect();
    let mut forms = vec![text.to_owned(), escaped.clone(), ascii];
    for text in [text, &json, &escaped] {
        // What follows changes the last letters of base64, what stands before it shifts them all.
        for start in (0..3).filter(|start| text.len() >= start + 6) {
            let whole = &text.as_bytes()[start..];
            let whole = &whole[..whole.len() / 3 * 3];
            forms.extend([STANDARD.encode(whole), URL_SAFE.encode(whole)]);
        }
        forms.extend([hex(text.as_bytes()), hex(text.as_bytes()).to_uppercase()]);
    }
    forms.into_iter().map(String::into_bytes).collect()
}
