//! P11: a handler of axum's that reads its session, on PostgreSQL, asked by wrk.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use diesel::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{SessionLayer, WebSession};
use tokio::net::TcpListener;
use tower_sessions::cookie::SameSite;

use crate::engine::{Engine, Place, Postgres, cookies, repository};
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, document, text};
use crate::results::{Line, Results};
use crate::rival::Rival;
use crate::rounds::Times;

/// Connections in the pool, on both sides.
pub const POOL: u32 = 8;
const CLIENTS: [usize; 3] = [1, 8, MANY];
const MANY: usize = 64;
/// Rounds of a pass, longer ones than others have: what wrk asks in a second differs more.
const ROUNDS: usize = 5;
const SECONDS: usize = 1;
const SESSIONS: usize = 1_000;

type Model = <Postgres as Engine>::Model;

pub fn run(ground: &Ground, results: &mut Results) -> Result<(), Box<dyn Error>> {
    let document = document(SIZES[0]);
    let place = Place::fill::<Postgres>(ground, "requests", SESSIONS as u64, &text(&document));
    let rival = Rival::<Postgres>::fill(ground, &place.name, &document, SESSIONS);
    let own = cookies(&place.numbers(SESSIONS as u64));
    let ours = Server::start("ours", &place.url, &own, ground.dir())?;
    let theirs = Server::start("rival", &place.url, &rival.cookies, ground.dir())?;
    let tested = Server::start("tested", &place.url, &own, ground.dir())?;
    let line = |number, work: String, (ours, others): (Times, Times), must: Option<f64>| Line {
        number,
        work: format!("PostgreSQL: {work}"),
        floor: None,
        ours,
        rival: Some(others),
        at_most: None,
        at_least: must,
    };
    for clients in CLIENTS {
        let work = format!("axum request that reads the session, {clients} clients");
        let times = take_turns(&ours, &theirs, clients)?;
        results.line(line("P11", work, times, (clients == MANY).then_some(1.3)));
    }
    let times = take_turns(&tested, &theirs, MANY)?;
    results.line(line("", format!("the same, {MANY} clients, with r2d2's test_on_check_out"), times, None));
    Ok(())
}

/// Asks the one and the other by turns; the first answers of either do not count.
fn take_turns(ours: &Server, theirs: &Server, clients: usize) -> Result<(Times, Times), Box<dyn Error>> {
    ours.ask(clients)?;
    theirs.ask(clients)?;
    let mut times = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        times.0.0.push(1.0 / ours.ask(clients)?);
        times.1.0.push(1.0 / theirs.ask(clients)?);
    }
    Ok(times)
}

/// One of the applications, in a process of its own.
struct Server {
    process: Child,
    address: String,
    script: String,
}

impl Server {
    fn start(whose: &str, url: &str, cookies: &[String], dir: &Path) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(["serve", whose, url]).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("a pipe")?).read_line(&mut address)?;
        let script = dir.join(format!("{whose}.lua"));
        let listed = cookies.iter().map(|cookie| format!("\"id={cookie}\",\n")).collect::<String>();
        let next = "local requests, at = {}, 0
init = function()
  for number, cookie in ipairs(cookies) do
    requests[number] = wrk.format(\"GET\", \"/\", { Cookie = cookie })
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
";
        fs::write(&script, format!("local cookies = {{\n{listed}}}\n{next}"))?;
        Ok(Server { process, address: address.trim().to_owned(), script: script.display().to_string() })
    }

    /// Requests a second, with so many clients that ask as fast as they are answered.
    fn ask(&self, clients: usize) -> Result<f64, Box<dyn Error>> {
        let options = ["-t1".to_owned(), format!("-c{clients}"), format!("-d{SECONDS}s"), "-s".to_owned(), self.script.clone()];
        let output = Command::new("wrk").args(options).arg(format!("http://{}/", self.address)).output()?;
        let said = String::from_utf8(output.stdout)?;
        if said.contains("Non-2xx") || said.contains("Socket errors") {
            return Err(format!("wrk was refused:\n{said}").into());
        }
        let line = said.lines().find_map(|line| line.strip_prefix("Requests/sec:")).ok_or("wrk says how many")?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

/// The process: serves until it is killed.
pub fn serve(whose: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let app = match whose {
            "ours" => ours(url, false)?,
            "tested" => ours(url, true)?,
            _ => theirs(url).await?,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        Ok(axum::serve(listener, app).await?)
    })
}

/// `tested`: whether r2d2 asks PostgreSQL for a sign of life whenever a connection is taken from the pool, as it does by default.
fn ours(url: &str, tested: bool) -> Result<Router, Box<dyn Error>> {
    async fn read(session: WebSession<Model>) -> Result<String, diesel_sessions::Error> {
        let visits: Option<u64> = session.with(|s| s.get(CHANGED))?;
        Ok(visits.unwrap_or(0).to_string())
    }
    let manager = ConnectionManager::<PgConnection>::new(url);
    let pool = Pool::builder().max_size(POOL).test_on_check_out(tested).build(manager)?;
    let layer = SessionLayer::new(repository::<Postgres>(), pool).cookie(CookieOptions::new().over_plain_http())?;
    Ok(Router::new().route("/", get(read)).layer(layer))
}

async fn theirs(url: &str) -> Result<Router, Box<dyn Error>> {
    use tower_sessions_sqlx_store::PostgresStore;
    use tower_sessions_sqlx_store::sqlx::ConnectOptions;
    use tower_sessions_sqlx_store::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    async fn read(session: tower_sessions::Session) -> Result<String, String> {
        let visits: Option<u64> = session.get(CHANGED).await.map_err(|error| error.to_string())?;
        Ok(visits.unwrap_or(0).to_string())
    }
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new().max_connections(POOL).connect_with(options.disable_statement_logging()).await?;
    let layer = tower_sessions::SessionManagerLayer::new(PostgresStore::new(pool));
    let layer = layer.with_name("id").with_secure(false).with_same_site(SameSite::Lax);
    Ok(Router::new().route("/", get(read)).layer(layer))
}
