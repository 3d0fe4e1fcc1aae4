//! Every verb in every shape: what is prepared, what is called, and how many statements that may take.

mod attributes;
mod beginning;
mod ending;
mod renewing;
mod saving;

use crate::recorder::Sent;
use crate::stage::Stage;
use crate::support::Db;

/// A verb at work. It calls `stage.begin()` when everything is prepared.
pub(crate) struct Scene<D: Db> {
    /// The name of its golden file.
    pub(crate) name: &'static str,
    /// What happens, in a sentence.
    pub(crate) what: &'static str,
    /// How many statements are sent; those that open and close a transaction do not count.
    pub(crate) statements: usize,
    /// False where preparing each time would cost more than it saves: such statements are rare.
    pub(crate) hot: bool,
    pub(crate) play: fn(&mut Stage<D>),
}

impl<D: Db> Scene<D> {
    fn on(mut self, engine: &str, statements: usize) -> Self {
        if D::NAME == engine {
            self.statements = statements;
        }
        self
    }

    /// Names are given as a list, which only PostgreSQL takes as one bind: elsewhere each length is a statement of its own.
    fn counted(mut self) -> Self {
        self.hot &= D::NAME == "postgres";
        self
    }

    fn rare(mut self) -> Self {
        self.hot = false;
        self
    }
}

fn scene<D: Db>(name: &'static str, statements: usize, what: &'static str, play: fn(&mut Stage<D>)) -> Scene<D> {
    Scene { name, what, statements, hot: true, play }
}

/// All scenes.
pub(crate) fn all<D: Db>() -> Vec<Scene<D>> {
    let scenes = [beginning::scenes(), saving::scenes(), renewing::scenes(), ending::scenes(), attributes::scenes()];
    scenes.into_iter().flatten().collect()
}

/// Plays all scenes, one after the other on the same connections, and gives what each has sent.
pub(crate) fn played<D: Db>(stage: &mut Stage<D>) -> Vec<(Scene<D>, Vec<Sent>)> {
    let play = |scene: Scene<D>| {
        (scene.play)(stage);
        (scene, stage.sent())
    };
    all().into_iter().map(play).collect()
}
