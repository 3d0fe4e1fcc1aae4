//! Whose session a request has, whatever connection its pool lends: so that an `Owner` needs to name none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;

use super::request::RequestSession;
use crate::error::{Error, Result};
use crate::model::{DbSession, SessionModel};

/// The owner, once the session is loaded.
pub(crate) type Owned<M> = Pin<Box<dyn Future<Output = Result<Option<<M as SessionModel>::Owner>>> + Send>>;

/// A [`RequestSession`] of any connection.
pub(crate) trait Whose<M: SessionModel>: Send + Sync {
    /// Loads the session unless that was done, and tells its owner.
    fn owner(self: Arc<Self>, headers: &HeaderMap) -> Owned<M>;
    /// Where those are sent who are not signed in.
    fn sign_in_page(&self) -> Option<Arc<str>>;
}

impl<M, C> Whose<M> for RequestSession<M, C>
where
    M: DbSession<C>,
    C: 'static,
{
    fn owner(self: Arc<Self>, headers: &HeaderMap) -> Owned<M> {
        let presented = self.presented(headers);
        Box::pin(async move {
            self.load(presented).await?;
            self.look(|visit| Ok::<_, Error>(visit.session().owner_field().cloned()))
        })
    }

    fn sign_in_page(&self) -> Option<Arc<str>> {
        self.sign_in_page.clone()
    }
}
