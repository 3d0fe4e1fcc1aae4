//! Calls that are generated, and what can be answered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel_sessions::ErrorKind;

use super::*;

/// How attributes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Create,
    Set,
    Update,
}

/// An expiry that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Never,
    In(u64),
}

/// Options of a call, or of an attribute in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) ends: Option<Ends>,
    pub(super) encrypted: Option<bool>,
}

/// An attribute to be written.
pub(super) type Item = (String, Value, Options);

/// A verb on the attributes of a session.
#[derive(Debug, Clone)]
pub(super) enum Verb {
    Write(How, Item),
    WriteMany(How, Vec<Item>, Options),
    SetExpiry(String, Ends),
    SetExpiryMany(Vec<String>, Ends),
    Delete(String),
    DeleteMany(Vec<String>),
    Take(String),
    Get(String),
    GetMany(Vec<String>),
    Exists(String),
    ExistsMany(Vec<String>),
    Names,
    Entry(String),
}

#[derive(Debug, Clone)]
pub(super) enum Call {
    /// On the session in this place, found by its row id if `bool`.
    On(usize, bool, Verb),
    /// So many microseconds go by.
    Pass(i64),
    /// The session in this place is ended.
    End(usize),
    /// A new session stands in this place; the one before is left to itself.
    Begin(usize),
    Purge(u32),
}

/// What a call gives.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Done,
    Count(usize),
    Value(Option<Value>),
    Values(BTreeMap<String, Option<Value>>),
    Existing(BTreeMap<String, bool>),
    Names(Vec<String>),
    Entry(Option<Row>),
    Purged(usize, usize),
    /// An error, and the name that it tells of if that is said anywhere.
    Refused(ErrorKind, Option<String>),
    /// Nothing is said of it.
    Unsaid,
}

impl Answer {
    /// Whether an answer of the library's is the one that the model expects.
    pub(super) fn is(&self, answer: &Answer) -> bool {
        use Answer::*;
        match (self, answer) {
            (Unsaid, _) | (Done, Done) => true,
            (Count(a), Count(b)) => a == b,
            (Value(a), Value(b)) => alike(a, b),
            (Values(a), Values(b)) => a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| alike(a, b)),
            (Existing(a), Existing(b)) => a == b,
            (Names(a), Names(b)) => a == b,
            (Entry(a), Entry(b)) => match (a, b) {
                (Some(a), Some(b)) => a.is(b),
                (a, b) => a.is_none() && b.is_none(),
            },
            (Purged(a, b), Purged(c, d)) => (a, b) == (c, d),
            (Refused(kind, None), Refused(told, _)) => kind == told,
            (Refused(kind, name), Refused(told, of)) => kind == told && name == of,
            _ => false,
        }
    }
}

/// An attribute.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The number of its session among all that were begun.
    pub(super) session: usize,
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) encrypted: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl Row {
    pub(super) fn is(&self, other: &Row) -> bool {
        self.stands_as(other) && same(&self.value, &other.value)
    }

    /// Whether the rows of both look the same: the value of an encrypted one is not seen.
    pub(super) fn stands_as(&self, other: &Row) -> bool {
        let shape = |row: &Row| (row.session, row.name.clone(), row.encrypted, row.created_at, row.updated_at, row.expires_at);
        shape(self) == shape(other) && (self.encrypted || same(&self.value, &other.value))
    }
}

fn alike(a: &Option<Value>, b: &Option<Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Names, mostly such as are allowed.
fn name() -> impl Strategy<Value = String> {
    let (longest, too_long) = ("x".repeat(191), "x".repeat(192));
    let good = vec!["a", "b", "B", "c", "ä", "a b"].into_iter().map(str::to_owned).chain([longest]).collect::<Vec<_>>();
    let bad = ["", " a", "a ", "a\u{1}", "\0"].map(str::to_owned).into_iter().chain([too_long]).collect::<Vec<_>>();
    prop_oneof![40 => proptest::sample::select(good), 1 => proptest::sample::select(bad)]
}

fn names(least: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(name(), least..5)
}

fn ends() -> impl Strategy<Value = Ends> {
    prop_oneof![2 => Just(Ends::Never), 12 => (1..40_u64).prop_map(Ends::In), 1 => Just(Ends::In(0))]
}

fn options() -> impl Strategy<Value = Options> {
    let encrypted = prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (prop::option::weighted(0.4, ends()), encrypted).prop_map(|(ends, encrypted)| Options { ends, encrypted })
}

fn item() -> impl Strategy<Value = Item> {
    let plain = ["null", "false", "0", "\"\"", "[]", "{}", "\"v1\"", "7"];
    let plain = proptest::sample::select(plain.to_vec()).prop_map(|text| serde_json::from_str(text).unwrap());
    (name(), prop_oneof![3 => plain, 1 => json()], options())
}

fn verb() -> impl Strategy<Value = Verb> {
    let how = || proptest::sample::select(vec![How::Create, How::Set, How::Set, How::Update]);
    prop_oneof![
        6 => (how(), item()).prop_map(|(how, item)| Verb::Write(how, item)),
        6 => (how(), proptest::collection::vec(item(), 1..6), options())
            .prop_map(|(how, items, options)| Verb::WriteMany(how, items, options)),
        1 => (name(), ends()).prop_map(|(name, ends)| Verb::SetExpiry(name, ends)),
        2 => (names(1), ends()).prop_map(|(names, ends)| Verb::SetExpiryMany(names, ends)),
        1 => name().prop_map(Verb::Delete),
        1 => names(1).prop_map(Verb::DeleteMany),
        2 => name().prop_map(Verb::Take),
        1 => name().prop_map(Verb::Get),
        2 => names(0).prop_map(Verb::GetMany),
        1 => name().prop_map(Verb::Exists),
        1 => names(0).prop_map(Verb::ExistsMany),
        1 => Just(Verb::Names),
        2 => name().prop_map(Verb::Entry),
    ]
}

pub(super) fn call() -> impl Strategy<Value = Call> {
    let place = || 0..2_usize;
    let times = vec![1, 999_999, 1_000_000, 5_000_000, 20_000_000, 60_000_000];
    prop_oneof![
        24 => (place(), any::<bool>(), verb()).prop_map(|(place, by_row, verb)| Call::On(place, by_row, verb)),
        6 => proptest::sample::select(times).prop_map(Call::Pass),
        1 => place().prop_map(Call::End),
        1 => place().prop_map(Call::Begin),
        2 => (1..4_u32).prop_map(Call::Purge),
    ]
}
