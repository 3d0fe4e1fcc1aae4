//! Tables for models of the suite's own: the library's columns as each engine prints them, then the application's.

use std::path::Path;

use crate::support::Db;

/// `diesel::table!` for a session table: the library's columns are given, the application's follow.
macro_rules! session_table {
    (sqlite $table:ident { $($columns:tt)* }) => {
        diesel::table! { $table (id) {
            id -> Integer, _uuid -> Text, _previous_uuid -> Nullable<Text>, _data -> Text, _version -> Integer,
            created_at -> Timestamp, authenticated_at -> Nullable<Timestamp>, rotated_at -> Nullable<Timestamp>,
            last_seen_at -> Timestamp, expires_at -> Timestamp, deadline_at -> Nullable<Timestamp>,
            idle_timeout -> Nullable<Integer>, persistent -> Bool,
            $($columns)*
        } }
    };
    (postgres $table:ident { $($columns:tt)* }) => {
        diesel::table! { $table (id) {
            id -> Int8, _uuid -> Uuid, _previous_uuid -> Nullable<Uuid>, _data -> Jsonb, _version -> Int4,
            created_at -> Timestamptz, authenticated_at -> Nullable<Timestamptz>, rotated_at -> Nullable<Timestamptz>,
            last_seen_at -> Timestamptz, expires_at -> Timestamptz, deadline_at -> Nullable<Timestamptz>,
            idle_timeout -> Nullable<Int4>, persistent -> Bool,
            $($columns)*
        } }
    };
    (mysql $table:ident { $($columns:tt)* }) => {
        diesel::table! { $table (id) {
            id -> Bigint, _uuid -> Char, _previous_uuid -> Nullable<Char>, _data -> Longtext, _version -> Integer,
            created_at -> Datetime, authenticated_at -> Nullable<Datetime>, rotated_at -> Nullable<Datetime>,
            last_seen_at -> Datetime, expires_at -> Datetime, deadline_at -> Nullable<Datetime>,
            idle_timeout -> Nullable<Integer>, persistent -> Bool,
            $($columns)*
        } }
    };
}
pub(crate) use session_table;

/// Whether the owner's column refers to a table `users`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// `user_id` is a foreign key, as the migration's comment has it.
    Referenced,
    /// There is no `user_id`.
    Absent,
}

/// Runs the library's migration as an application would edit it: another table's name, columns of its own, renamed ones.
pub(crate) fn create<D: Db>(conn: &mut D::Conn, table: &str, columns: &str, owner: Owner, renamed: &[(&str, &str)]) {
    // The suite is compiled in a member of the workspace too.
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("migrations").join(D::NAME));
    let folder = above.find(|folder| folder.is_dir()).unwrap();
    let mut migrations = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let create = migrations.find(|path| path.display().to_string().ends_with("_create_sessions")).unwrap();
    let up = std::fs::read_to_string(create.join("up.sql")).unwrap();
    let mut sql = String::new();
    for line in up.lines() {
        let text = line.trim_start();
        match text.split_whitespace().next().unwrap_or_default() {
            "user_id" | "remote_addr" | "user_agent" => {}
            _ if text.starts_with("-- The application's columns start here") => sql += &format!("    {columns},"),
            _ if text.starts_with("-- CONSTRAINT sessions_user_id_fkey") && owner == Owner::Referenced => sql += &text[3..],
            _ if text.contains("sessions_user_id_idx") && owner == Owner::Absent => {}
            _ => sql += line,
        }
        sql.push('\n');
    }
    // On MySQL the dropped index was the last in its list.
    let sql = sql.replace("INDEX sessions_expires_at_idx (expires_at),\n\n)", "INDEX sessions_expires_at_idx (expires_at)\n)");
    D::execute(conn, &words(&sql, |word| rename(word, table, renamed)));
}

fn rename(word: &str, table: &str, renamed: &[(&str, &str)]) -> String {
    if let Some((_, new)) = renamed.iter().find(|(old, _)| *old == word) {
        return (*new).to_owned();
    }
    match word
        .strip_prefix("session_attributes")
        .map(|rest| ("_attributes", rest))
        .or(word.strip_prefix("sessions").map(|rest| ("", rest)))
    {
        Some((kind, rest)) if rest.is_empty() || rest.starts_with('_') => format!("{table}{kind}{rest}"),
        _ => word.to_owned(),
    }
}

/// The text with every word replaced.
fn words(text: &str, replace: impl Fn(&str) -> String) -> String {
    let mut rest = text;
    let mut all = String::new();
    while !rest.is_empty() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let first = rest.chars().next().is_some_and(is_word);
        let end = rest.find(|letter| is_word(letter) != first).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        all += &if first { replace(piece) } else { piece.to_owned() };
        rest = tail;
    }
    all
}
