//! What a store does, in terms that both versions of its trait share: loading, saving, creating, ending, moving.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::Instrument as _;

use super::DieselStore;
use crate::adapters::kept::{Kept, Loaded, Outcome};
use crate::adapters::memory::Copy;
use crate::adapters::record::{Base, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::model::DbSession;
use crate::repository::pace::Pace;
use crate::repository::purge::Round;
use crate::source::ConnectionSource;
use crate::token::{SessionToken, TokenSource};

/// A record of either version.
#[doc(hidden)]
pub struct Plain {
    pub(super) id: i128,
    pub(super) content: Content,
    pub(super) ends_at: DateTime<Utc>,
}

/// How many expired sessions a purge deletes with one statement.
const PURGE: u32 = 1_000;

impl<M, P> DieselStore<M, P>
where
    P: ConnectionSource,
    M: DbSession<P::Connection>,
{
    /// The live session of an id; one that only the old store has is moved first.
    pub(super) async fn load_plain(&self, id: i128) -> Result<Option<Plain>> {
        let found = match self.load_here(id).await? {
            None if self.former.is_some() => self.move_wholly(id).await?,
            found => found,
        };
        // With none, the layer would remove the cookie, which is the newer id's by now. What is changed here is not saved.
        let until = || Some(self.kept.sessions.now().to_utc() + TimeDelta::minutes(1)).filter(|_| self.is_left(id));
        Ok(found.or_else(|| until().map(|ends_at| Plain { id, content: Content::new(), ends_at })))
    }

    /// Whether a request may still be under way with this id, in whose place the client has another.
    fn is_left(&self, id: i128) -> bool {
        let left_at = token_of(id).ok().and_then(|token| self.memory.left_at(token.digest().as_uuid()));
        left_at.is_some_and(|at| self.kept.sessions.in_grace(at))
    }

    /// Stores what a request changed of a record. `place` is where the record stands in memory.
    pub(super) async fn save_plain(&self, record: Plain, place: usize) -> Result<()> {
        let copy = Base::of(&record.content).map(|base| (base.load, place));
        let id = record.id;
        if self.is_left(id) {
            // Also when it was emptied: the layer sets a cookie for whatever is saved.
            return Err(Error::new(ErrorKind::Gone, "could not save the session"));
        }
        match self.save_here(&record, copy).await {
            // It was emptied before it was ever loaded, so nobody has moved it yet.
            Err(error) if error.kind() == ErrorKind::Gone && copy.is_none() && self.former.is_some() => {
                self.move_wholly(id).await?;
                self.save_here(&record, copy).await
            }
            saved => saved,
        }
    }

    async fn save_here(&self, record: &Plain, copy: Option<Copy>) -> Result<()> {
        let token = token_of(record.id)?;
        let own = copy.and_then(|copy| self.memory.saved(copy));
        let (content, ends_at) = (record.content.clone(), record.ends_at);
        let outcome = self.run(move |kept, conn| kept.save(conn, &token, &content, ends_at, own.as_ref())).await?;
        if let (Some(copy), Outcome::Stored(own)) = (copy, outcome) {
            self.memory.note_saved(copy, own);
        }
        Ok(())
    }

    /// Gives a record its row, under its own id if that is free; the record as it is now.
    pub(super) async fn create_plain(&self, record: Plain, place: usize) -> Result<Plain> {
        let own = Base::of(&record.content).and_then(|base| self.memory.saved((base.load, place)));
        let token = token_of(record.id)?;
        let is_given_up = self.memory.is_given_up(token.digest().as_uuid());
        let tokens = Ids(Mutex::new(Some(token).filter(|_| !is_given_up)));
        let memory = Arc::clone(&self.memory);
        let created = self.run(move |kept, conn| {
            let created = kept.create(conn, &record.content, record.ends_at, &tokens, own.as_ref(), &memory)?;
            kept.settle(conn, &record.content, &created, &created.token, &memory)?;
            Ok(created)
        });
        let created = created.await?;
        Ok(plain(id_of(&created.token)?, created.loaded))
    }

    /// Ends a session, in the old store too; here also when the old store fails, which is an error then.
    pub(super) async fn delete_plain(&self, id: i128) -> Result<()> {
        if self.former.is_none() {
            return self.delete_here(token_of(id)?).await;
        }
        let store = self.clone();
        wholly(async move { store.delete_in_both(id).await }).await
    }

    async fn delete_in_both(&self, id: i128) -> Result<()> {
        let Some(former) = &self.former else { return Ok(()) };
        let token = token_of(id)?;
        let _turn = self.memory.turn(token.digest().as_uuid()).lock().await;
        // The old store comes first: a move in another process that looks there afterwards finds nothing, and one that has looked
        // before has its row here already.
        let deleted = former.delete(id).await;
        if deleted.is_err() {
            // Whoever asked is told, and nothing is noted: it can be asked again, and what is there can still be moved.
            self.run(move |kept, conn| kept.sessions.end_under(conn, &token)).await?;
            return deleted;
        }
        self.delete_here(token).await
    }

    async fn delete_here(&self, token: SessionToken) -> Result<()> {
        let memory = Arc::clone(&self.memory);
        self.run(move |kept, conn| kept.end(conn, &token, &memory)).await
    }

    /// Deletes what has expired, in batches; between two of them the connection is given back.
    pub(super) async fn purge(&self) -> Result<()> {
        let batch = |mut round: Round| {
            move |kept: &Kept<M>, conn: &mut P::Connection| {
                let pace = Pace::begin();
                let purged = kept.sessions.next_batch(conn, PURGE, &mut round)?;
                Ok(purged.is_full(PURGE).then_some((pace, round)))
            }
        };
        let mut reached = Round::default();
        while let Some((pace, round)) = self.run(batch(reached)).await? {
            reached = round;
            // It is on a thread that may block, and not with tokio's timer, which a runtime need not have.
            let _ = tokio::task::spawn_blocking(move || pace.rest()).await; // a runtime that ends cuts it short
        }
        Ok(())
    }

    async fn load_here(&self, id: i128) -> Result<Option<Plain>> {
        let token = token_of(id)?;
        let again = token.clone();
        let loaded = match self.run(move |kept, conn| kept.load(conn, &token)).await {
            // A connection that the server has closed meanwhile says so once; the pool drops it.
            Err(error) if error.kind() == ErrorKind::Unavailable => self.run(move |kept, conn| kept.load(conn, &again)).await?,
            loaded => loaded?,
        };
        Ok(loaded.map(|loaded| plain(id, loaded)))
    }

    /// Moves a session from the old store, also when the request that needs it is given up.
    async fn move_wholly(&self, id: i128) -> Result<Option<Plain>> {
        let store = self.clone();
        wholly(async move { store.move_here(id).await }).await
    }

    /// Moves a session from the old store, under its id.
    ///
    /// In this process, one at a time. Of several processes, only the request that has created the row deletes it there. So a row that is missing there when this one comes to delete it
    /// was moved by another request before, and ended since, or has just been ended there: it stays ended.
    async fn move_here(&self, id: i128) -> Result<Option<Plain>> {
        let Some(former) = &self.former else { return Ok(None) };
        let token = token_of(id)?;
        let _turn = self.memory.turn(token.digest().as_uuid()).lock().await;
        let Some(old) = former.load(id).await? else { return self.load_here(id).await };
        if self.memory.is_given_up(token.digest().as_uuid()) {
            return Ok(None);
        }
        let own_token = token.clone();
        let moved = self.run(move |kept, conn| kept.take_over(conn, &own_token, &old.content, old.ends_at)).await;
        match moved {
            Ok(true) => {}
            Ok(false) => return self.load_here(id).await,
            Err(error) if error.kind() == ErrorKind::ForeignKey => {
                tracing::warn!(target: "diesel_sessions", reason = "what a moved session refers to is gone", "refused");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let removed = match former.load(id).await {
            Ok(Some(_)) => former.delete(id).await.map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if !matches!(removed, Ok(true)) {
            self.run(move |kept, conn| kept.sessions.end_under(conn, &token)).await?;
        }
        if removed? { self.load_here(id).await } else { Ok(None) }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Kept<M>, &mut P::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let kept = self.kept.clone();
        self.pool.run(move |conn| work(&kept, conn)).await
    }
}

/// Runs to its end, whatever becomes of the request that waits for it.
async fn wholly<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let ended = tokio::spawn(work.in_current_span()).await;
    ended.unwrap_or_else(|failure| match failure.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => {
            Err(Error::new(ErrorKind::Unavailable, "could not move or delete the session").with_detail("the runtime has stopped"))
        }
    })
}

fn plain(id: i128, loaded: Loaded) -> Plain {
    Plain { id, content: loaded.content, ends_at: loaded.ends_at }
}

/// The 16 bytes of an id in the order in which its text has them, as a token: the cookie's text is the same.
fn token_of(id: i128) -> Result<SessionToken> {
    SessionToken::from_bytes(&id.to_le_bytes())
}

fn id_of(token: &SessionToken) -> Result<i128> {
    let bytes = URL_SAFE_NO_PAD.decode(token.reveal()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(i128::from_le_bytes).ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "could not read an id"))
}

/// The id that a record came with, then new ones of 16 bytes from the operating system's generator.
struct Ids(Mutex<Option<SessionToken>>);

impl TokenSource for Ids {
    fn token(&self) -> Result<SessionToken> {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        own.map_or_else(random, Ok)
    }
}

fn random() -> Result<SessionToken> {
    let mut bytes = [0; size_of::<i128>()];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(ErrorKind::Unavailable, "could not draw an id").with_source(error))?;
    SessionToken::from_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 7
    #[test]
    fn an_id_is_its_tokens_bytes_and_the_first_of_its_source() {
        let id = i128::from_le_bytes(*b"0123456789abcdef");
        let ids = Ids(Mutex::new(Some(token_of(id).unwrap())));
        assert_eq!(id_of(&ids.token().unwrap()).unwrap(), id);
        let (second, third) = (ids.token().unwrap(), ids.token().unwrap());
        assert_ne!(id_of(&second).unwrap(), id);
        assert_ne!(id_of(&second).unwrap(), id_of(&third).unwrap());
        assert!(id_of(&SessionToken::random().unwrap()).is_err(), "32 bytes are no id");
    }
}
