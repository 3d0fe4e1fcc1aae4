//! What a seed stands for: the rows at the beginning, a program for each worker, and who wraps what into a transaction.

use crate::attribute::{self, Deed, Key, Stored, Whose};
use crate::random::Random;
use crate::world::{Content, KEYS, Row, Stamp, expires_at};

/// The repository's idle timeout, in seconds.
pub(crate) const IDLE: i64 = 100;
/// The repository's absolute timeout.
pub(crate) const ABSOLUTE: i64 = 1_000;
/// How long "remember me" remembers.
pub(crate) const REMEMBERED: i64 = 5_000;
/// The owners there are.
pub(crate) const OWNERS: [i64; 2] = [1, 2];

/// A pending change of a handle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Set(usize, i64),
    Remove(usize),
    Address(Option<i64>),
    Owner(Option<i64>),
    Idle(Option<i64>),
    Deadline(Option<i64>),
}

/// What a client presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The newest that this worker was told.
    Own,
    /// The one that the first row had in the beginning.
    First,
    /// Made up.
    Unknown,
    /// None at all.
    Absent,
}

/// A call of the library's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Load(Cookie),
    Open(Cookie),
    NewSession,
    Create,
    Save,
    Touch,
    Extend,
    Rotate,
    SignIn {
        owner: i64,
        remember: bool,
    },
    Authenticate,
    End,
    Revoke {
        owner: i64,
        row: i64,
    },
    RevokeAll(i64),
    RevokeExcept {
        owner: i64,
        row: i64,
    },
    RevokeRow(i64),
    RevokeOthers,
    RevokeEveryone,
    PurgeBatch(u32),
    List(i64),
    Count(i64),
    IsLive(Cookie),
    /// Something is done with one attribute: its name is given by its place.
    Attribute {
        whose: Whose,
        name: usize,
        deed: Deed,
    },
}

impl Verb {
    /// Every verb's name, for the tally.
    pub(crate) const NAMES: &[&str] = &[
        "load",
        "open",
        "new_session",
        "create",
        "save",
        "touch",
        "extend",
        "rotate",
        "sign_in",
        "authenticate",
        "end",
        "revoke",
        "revoke_all",
        "revoke_except",
        "revoke_row",
        "revoke_others",
        "revoke_everyone",
        "purge_batch",
        "list",
        "count",
        "is_live",
        "attributes.set",
        "attributes.create",
        "attributes.update",
        "attributes.get",
        "attributes.take",
        "attributes.delete",
        "attributes.set_expiry",
        "attributes_of.set",
        "attributes_of.create",
        "attributes_of.update",
        "attributes_of.get",
        "attributes_of.take",
        "attributes_of.delete",
        "attributes_of.set_expiry",
    ];

    /// Whether it sends a statement that writes, and so sees what is there now, whatever its transaction has read.
    pub(crate) fn writes(self) -> bool {
        match self {
            Verb::Load(_) | Verb::Open(_) | Verb::NewSession | Verb::List(_) | Verb::Count(_) | Verb::IsLive(_) => false,
            Verb::Attribute { deed, .. } => deed.writes(),
            _ => true,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verb::Load(_) => "load",
            Verb::Open(_) => "open",
            Verb::NewSession => "new_session",
            Verb::Create => "create",
            Verb::Save => "save",
            Verb::Touch => "touch",
            Verb::Extend => "extend",
            Verb::Rotate => "rotate",
            Verb::SignIn { .. } => "sign_in",
            Verb::Authenticate => "authenticate",
            Verb::End => "end",
            Verb::Revoke { .. } => "revoke",
            Verb::RevokeAll(_) => "revoke_all",
            Verb::RevokeExcept { .. } => "revoke_except",
            Verb::RevokeRow(_) => "revoke_row",
            Verb::RevokeOthers => "revoke_others",
            Verb::RevokeEveryone => "revoke_everyone",
            Verb::PurgeBatch(_) => "purge_batch",
            Verb::List(_) => "list",
            Verb::Count(_) => "count",
            Verb::IsLive(_) => "is_live",
            Verb::Attribute { whose: Whose::Handle, deed, .. } => match deed {
                Deed::Set(..) => "attributes.set",
                Deed::Create(..) => "attributes.create",
                Deed::Update(..) => "attributes.update",
                Deed::Get => "attributes.get",
                Deed::Take => "attributes.take",
                Deed::Delete => "attributes.delete",
                Deed::SetExpiry(_) => "attributes.set_expiry",
            },
            Verb::Attribute { whose: Whose::Row(_), deed, .. } => match deed {
                Deed::Set(..) => "attributes_of.set",
                Deed::Create(..) => "attributes_of.create",
                Deed::Update(..) => "attributes_of.update",
                Deed::Get => "attributes_of.get",
                Deed::Take => "attributes_of.take",
                Deed::Delete => "attributes_of.delete",
                Deed::SetExpiry(_) => "attributes_of.set_expiry",
            },
        }
    }
}

/// Changes made to the handle, and then a verb.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) changes: Vec<Change>,
    pub(crate) verb: Verb,
}

/// The steps of a program that stand in a transaction of the caller's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrapped {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) commits: bool,
}

/// What one worker does.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Whether it has loaded the first row's session before the run; else it begins with a new session.
    pub(crate) loaded: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) wrapped: Option<Wrapped>,
}

/// What a seed stands for.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<(i64, Row)>,
    pub(crate) attributes: Vec<(Key, Stored)>,
    pub(crate) programs: Vec<Program>,
    /// Whether the repository refuses to choose between two changes of the same key.
    pub(crate) refuses_conflicts: bool,
}

impl Plan {
    /// The plan of a seed. `wrapping`: how many of a hundred plans have a caller's transaction.
    pub(crate) fn new(random: &mut Random, wrapping: usize) -> Self {
        let workers = if random.chance(40) { 2 } else { 3 };
        let rows = rows(random);
        let attributes = rows.iter().flat_map(|(id, _)| attribute::before(random, *id)).collect();
        let mut values = Values(10);
        let wraps = random.chance(wrapping).then(|| random.below(workers));
        let programs = (0..workers).map(|worker| program(random, &mut values, wraps == Some(worker))).collect();
        Plan { rows, attributes, programs, refuses_conflicts: random.chance(20) }
    }

    /// The most verbs that stand in one transaction of a caller's.
    pub(crate) fn most_wrapped(&self) -> usize {
        self.programs.iter().filter_map(|program| program.wrapped).map(|wrapped| wrapped.to - wrapped.from).max().unwrap_or(0)
    }
}

/// Gives values of which no two are the same.
struct Values(i64);

impl Values {
    fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }
}

fn rows(random: &mut Random) -> Vec<(i64, Row)> {
    let mut rows = vec![(1, row(1, random.one_of(&[None, None, Some(1)]), -10))];
    if random.chance(60) {
        rows.push((2, row(2, random.one_of(&[None, Some(1), Some(1), Some(2)]), -1)));
    }
    if random.chance(30) {
        rows.push((3, row(3, random.one_of(&[None, Some(1), Some(2)]), -IDLE)));
    }
    rows
}

fn row(token: u128, owner: Option<i64>, seen: i64) -> Row {
    let (idle, deadline) = (Some(IDLE), Some(seen + ABSOLUTE));
    let stamp = Stamp {
        token,
        previous: None,
        version: 0,
        created: seen,
        proved: owner.map(|_| seen),
        rotated: None,
        seen,
        expires: expires_at(seen, idle, deadline),
        deadline,
        idle,
        persistent: false,
    };
    Row { stamp, content: Content { data: [Some(1), Some(2), None], owner, address: None }, writer: None }
}

fn program(random: &mut Random, values: &mut Values, wraps: bool) -> Program {
    let steps: Vec<_> = (0..2 + random.below(3)).map(|_| step(random, values)).collect();
    let wrapped = wraps.then(|| {
        let from = random.below(steps.len());
        // What a handle does after a rollback is another test's matter: here the transaction is then the program's end.
        match random.chance(60) {
            true if random.chance(50) => Wrapped { from, to: from + 1, commits: true },
            true => Wrapped { from, to: from + 1 + random.below(steps.len() - from), commits: true },
            false if random.chance(50) => Wrapped { from: steps.len() - 1, to: steps.len(), commits: false },
            false => Wrapped { from, to: steps.len(), commits: false },
        }
    });
    Program { loaded: random.chance(90), steps, wrapped }
}

fn step(random: &mut Random, values: &mut Values) -> Step {
    let verb = if random.chance(30) { attribute_verb(random, values) } else { verb(random) };
    let share = match verb {
        Verb::Save => 92,
        Verb::SignIn { .. } | Verb::Authenticate => 40,
        Verb::Create => 50,
        _ => 8,
    };
    let mut changes = Vec::new();
    if random.chance(share) {
        changes.push(change(random, values));
        if random.chance(25) {
            changes.push(change(random, values));
        }
    }
    Step { changes, verb }
}

fn change(random: &mut Random, values: &mut Values) -> Change {
    match random.below(20) {
        0..=9 => Change::Set(random.below(KEYS.len()), if random.chance(10) { 7 } else { values.next() }),
        10 | 11 => Change::Remove(random.below(KEYS.len())),
        12 | 13 => Change::Address(random.chance(80).then(|| values.next())),
        14..=16 => Change::Owner(random.one_of(&[None, Some(OWNERS[0]), Some(OWNERS[1])])),
        17 | 18 => Change::Idle(random.one_of(&[None, Some(20), Some(60), Some(400)])),
        _ => Change::Deadline(random.one_of(&[None, Some(30), Some(300), Some(2_000)])),
    }
}

fn attribute_verb(random: &mut Random, values: &mut Values) -> Verb {
    let (whose, name) = (attribute::whose(random), random.one_of(&[0, 0, 0, 1]));
    let value = if random.chance(10) { 7 } else { values.next() };
    Verb::Attribute { whose, name, deed: attribute::deed(random, value) }
}

fn verb(random: &mut Random) -> Verb {
    let owner = random.one_of(&[OWNERS[0], OWNERS[0], OWNERS[1]]);
    let row = random.one_of(&[1, 1, 2, 3]);
    let cookie =
        random.one_of(&[Cookie::Own, Cookie::Own, Cookie::Own, Cookie::First, Cookie::First, Cookie::Unknown, Cookie::Absent]);
    match random.below(100) {
        0..=5 => Verb::Load(cookie),
        6..=11 => Verb::Open(cookie),
        12 => Verb::NewSession,
        13 | 14 => Verb::Create,
        15..=40 => Verb::Save,
        41..=44 => Verb::Touch,
        45..=48 => Verb::Extend,
        49..=54 => Verb::Rotate,
        55..=61 => Verb::SignIn { owner, remember: random.chance(30) },
        62..=64 => Verb::Authenticate,
        65..=68 => Verb::End,
        69 | 70 => Verb::Revoke { owner, row },
        71..=73 => Verb::RevokeAll(owner),
        74 | 75 => Verb::RevokeExcept { owner, row },
        76 | 77 => Verb::RevokeRow(row),
        78..=83 => Verb::RevokeOthers,
        84 => Verb::RevokeEveryone,
        85..=90 => Verb::PurgeBatch(random.one_of(&[1, 2, 100])),
        91..=93 => Verb::List(owner),
        94 | 95 => Verb::Count(owner),
        _ => Verb::IsLive(cookie),
    }
}
