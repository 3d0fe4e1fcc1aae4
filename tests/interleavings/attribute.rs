//! Attributes: what a plan does with them, and what the table holds of them.

use crate::random::Random;

/// The names that attributes have.
pub(crate) const NAMES: [&str; 2] = ["x", "y"];

/// Whose attributes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The handle's session's, while it has the token that the handle knows.
    Handle,
    /// A row's, whatever its token.
    Row(i64),
}

/// The expiry that a write asks for: none given, never, or in so many seconds.
pub(crate) type Given = Option<Option<i64>>;

/// What is done with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Set(i64, Given),
    Create(i64, Given),
    Update(i64, Given),
    Get,
    Take,
    Delete,
    SetExpiry(Option<i64>),
}

/// An attribute as the table holds it, but for its session and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stored {
    pub(crate) value: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) expires: Option<i64>,
}

/// Where an attribute is: its session's row, and the place of its name.
pub(crate) type Key = (i64, usize);

impl Stored {
    /// Whether it has expired: it is then as good as absent.
    pub(crate) fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl Deed {
    /// Whether it changes anything when it goes well.
    pub(crate) fn writes(self) -> bool {
        self != Deed::Get
    }

    /// The value that it stores.
    pub(crate) fn value(self) -> Option<i64> {
        match self {
            Deed::Set(value, _) | Deed::Create(value, _) | Deed::Update(value, _) => Some(value),
            _ => None,
        }
    }
}

/// The attributes that a row has in the beginning.
pub(crate) fn before(random: &mut Random, row: i64) -> Vec<(Key, Stored)> {
    let mut attributes = Vec::new();
    for name in 0..NAMES.len() {
        if random.chance(50) {
            let expires = random.one_of(&[None, None, Some(-1), Some(-1), Some(5), Some(30)]);
            attributes.push(((row, name), Stored { value: 3, created: -9, updated: -8, expires }));
        }
    }
    attributes
}

/// Whose attributes a step is at.
pub(crate) fn whose(random: &mut Random) -> Whose {
    random.one_of(&[None, None, None, None, Some(1), Some(1), Some(2), Some(3)]).map_or(Whose::Handle, Whose::Row)
}

/// What a step does; `value` is what it writes, if it writes.
pub(crate) fn deed(random: &mut Random, value: i64) -> Deed {
    let given = random.one_of(&[None, None, None, Some(None), Some(Some(5)), Some(Some(40))]);
    match random.below(20) {
        0..=5 => Deed::Set(value, given),
        6..=8 => Deed::Create(value, given),
        9..=11 => Deed::Update(value, given),
        12 | 13 => Deed::Get,
        14 | 15 => Deed::Take,
        16 | 17 => Deed::Delete,
        _ => Deed::SetExpiry(random.one_of(&[None, Some(5), Some(40)])),
    }
}
