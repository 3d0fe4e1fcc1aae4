//! The process that is killed: this test binary once more, told by an environment variable to play the script.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use diesel::result::Error as DieselError;
use diesel_sessions::ErrorKind;

use crate::durable::Durable;
use crate::script::{Failure, Script};

const URL: &str = "DIESEL_SESSIONS_CRASH_TEST_URL";
const PAUSE: &str = "DIESEL_SESSIONS_CRASH_TEST_PAUSE";

/// Plays the script on the database that the parent process names, step after step, until it is killed or the server is gone;
/// before one step it waits for the parent's word. False when there is no such parent.
pub(crate) fn played_for_a_parent<D: Durable>() -> bool {
    let Ok(url) = std::env::var(URL) else { return false };
    let pause: usize = std::env::var(PAUSE).unwrap().parse().unwrap();
    let conn = &mut D::open(&url);
    let mut script = Script::<D>::new();
    for number in 0..STEPS {
        if number == pause {
            say("waiting");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        say(&format!("begun {number}"));
        match script.step(conn) {
            Ok(()) => say(&format!("done {number}")),
            // SECURITY 30
            Err(Failure::Session(error)) if error.kind() == ErrorKind::Unavailable => return lost(),
            Err(Failure::Database(error)) if !matches!(error, DieselError::NotFound | DieselError::QueryBuilderError(_)) => {
                return lost();
            }
            Err(failure) => {
                say(&format!("failed {number}: {failure:?}"));
                return true;
            }
        }
    }
    true
}

/// How long the script is; no child is to reach its end.
pub(crate) const STEPS: usize = 4 * crate::script::CYCLE;

fn lost() -> bool {
    say("lost");
    true
}

/// One line to the parent. It begins with a line break, as the test harness may have left a line unfinished.
fn say(words: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{MARK}{words}\n").unwrap();
    out.flush().unwrap();
}

const MARK: &str = "crash test: ";

/// The child, as its parent sees it. It does not outlive this value.
#[derive(Debug)]
pub(crate) struct Player {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// The steps that were begun, and those that were acknowledged.
    pub(crate) begun: usize,
    pub(crate) done: usize,
    /// The connection was lost, which is right when the server was killed.
    pub(crate) lost: bool,
}

impl Player {
    /// Starts a child on the database, and waits until it pauses before a step.
    pub(crate) fn start<D: Durable>(url: &str, pause: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("{}::every_step_leaves_its_mark", D::NAME), "--nocapture", "--test-threads=1"])
            .env(URL, url)
            .env(PAUSE, pause.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut player = Player { child, lines, begun: 0, done: 0, lost: false };
        assert!(player.hears("waiting"), "the child ended before step {pause}: {player:?}");
        assert_eq!(player.done, pause);
        player
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) {
        self.child.stdin.take().expect("it waits").write_all(b"\n").unwrap();
    }

    /// Reads on until a further step has begun.
    pub(crate) fn wait_for_the_next_step(&mut self) {
        assert!(self.hears("begun"), "the child ended: {self:?}");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Reads what the child still said, and waits for its end.
    pub(crate) fn listen_to_the_end(&mut self) {
        while self.hears("") {}
        self.child.wait().unwrap();
    }

    /// Reads one line of the child's, or several until one begins with `words`; false at the end.
    fn hears(&mut self, words: &str) -> bool {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            let Some(said) = line.strip_prefix(MARK) else { continue };
            match said.split_once(' ') {
                Some(("begun", number)) => self.begun = number.parse::<usize>().unwrap() + 1,
                Some(("done", number)) => self.done = number.parse::<usize>().unwrap() + 1,
                Some(_) => panic!("the child says: {said}"),
                None => self.lost |= said == "lost",
            }
            if said.starts_with(words) {
                return true;
            }
        }
        false
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("could not end the child: {error}");
        }
    }
}
