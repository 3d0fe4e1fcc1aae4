//! Giving attributes another expiry.

use super::batch::{Piece, chunks};
use super::carry_out::Wants;
use super::options::Expiry;
use super::{SessionAttributes, end_of, sorted_names};
use crate::error::Result;
use crate::model::{DbAttributes, SessionModel, StoredExpiry};

impl<M: SessionModel> SessionAttributes<M> {
    /// Gives an attribute another expiry, and changes nothing else of it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is no live attribute of that name;
    /// [`Gone`](crate::ErrorKind::Gone), [`Rotated`](crate::ErrorKind::Rotated) and
    /// [`NotCreated`](crate::ErrorKind::NotCreated) when there is no such live session;
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) and [`Limit`](crate::ErrorKind::Limit) for a name that is none, and
    /// an expiry of no time at all; the database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "draft", "…")?;
    /// attributes.set_expiry(&mut conn, "draft", Expiry::In(Duration::from_secs(60)))?;
    /// assert!(attributes.entry(&mut conn, "draft")?.expect("live").expires_at().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_expiry<C>(&self, conn: &mut C, name: impl AsRef<str>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.expire(conn, "could not set the attribute's expiry", sorted_names([name.as_ref()])?, expiry)
    }

    /// Gives several attributes another expiry, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`set_expiry`](SessionAttributes::set_expiry).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// let error = attributes.set_expiry_many(&mut conn, ["a", "b"], Expiry::Never).unwrap_err();
    /// assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some("b")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_expiry_many<C>(&self, conn: &mut C, names: impl IntoIterator<Item = impl AsRef<str>>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let names: Vec<_> = names.into_iter().collect();
        let names = sorted_names(names.iter().map(AsRef::as_ref))?;
        self.expire(conn, "could not set the attributes' expiry", names, expiry)
    }

    fn expire<C>(&self, conn: &mut C, deed: &'static str, names: Vec<&str>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let place = self.place(deed)?;
        let expires_at = match expiry {
            Expiry::In(duration) => Some(end_of(duration, place.now)?),
            Expiry::Never => None,
        };
        let pieces: Vec<_> =
            chunks(names.clone(), M::ENGINE).into_iter().map(|items| Piece { items, expiry: StoredExpiry::Replaced }).collect();
        self.carry_out(conn, deed, &place, Wants::AllExist, names, &pieces, |conn, piece| {
            M::expire_attributes(conn, &place, &piece.items, expires_at)
        })
    }
}
