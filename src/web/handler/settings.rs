//! What a framework's layer is set up with, whatever its answers are.

use std::sync::Arc;

use crate::error::Result;
use crate::model::SessionModel;
use crate::repository::SessionRepository;
use crate::source::{ConnectionSource, Crewed};
use crate::web::{CookieOptions, SessionEdge};

/// How every request is treated; `A` is the framework's answer.
pub(crate) struct Settings<M: SessionModel, P, A> {
    pub(crate) edge: SessionEdge<M>,
    pub(crate) source: Crewed<P>,
    pub(crate) sign_in_page: Option<Arc<str>>,
    pub(crate) lost: Option<OwnAnswer<A>>,
}

/// The application's own answer for a session that was lost.
pub(crate) type OwnAnswer<A> = Arc<dyn Fn() -> A + Send + Sync>;

impl<M: SessionModel, P: ConnectionSource, A> Settings<M, P, A> {
    pub(crate) fn new(sessions: SessionRepository<M>, source: P) -> Self {
        let edge = SessionEdge::new(sessions, CookieOptions::new());
        // OK because a test makes them.
        let edge = edge.unwrap_or_else(|error| unreachable!("the default options: {error}"));
        Settings { edge, source: Crewed::new(source), sign_in_page: None, lost: None }
    }

    pub(crate) fn set_cookie(&mut self, options: CookieOptions) -> Result<()> {
        self.edge = SessionEdge::new(self.edge.sessions().clone(), options)?;
        Ok(())
    }
}

impl<M: SessionModel, P: Clone, A> Clone for Settings<M, P, A> {
    fn clone(&self) -> Self {
        Settings {
            edge: self.edge.clone(),
            source: self.source.clone(),
            sign_in_page: self.sign_in_page.clone(),
            lost: self.lost.clone(),
        }
    }
}
