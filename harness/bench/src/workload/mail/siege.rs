//! Strangers around an endpoint: a thousand clients of whom two hundred a second say the start of a
//! head, or a byte more of it, and never come to its end; some say more than they may.

use caxton_model::case::Outcome;
use caxton_monitor::Endpoint;
use caxton_runtime::subject::Attempt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Clients that never come to an end.
const SLOW: usize = 1000;
/// How many of them say something before a pause: each does so every five seconds.
const AT_A_TIME: usize = 2;
const PAUSE: Duration = Duration::from_millis(10);
/// How long it takes until the endpoint is full of them, or free of them.
const COMING: Duration = Duration::from_millis(150);
/// How long a client waits to be let in.
const PATIENCE: Duration = Duration::from_millis(20);
/// A head that is longer than any.
const HEAD_BYTES: usize = 1 << 20;
/// Every so many clients one has such a head.
const LONG_EVERY: usize = 50;

/// Clients on a thread of their own, around an endpoint.
pub(super) struct Siege {
    endpoint: Endpoint,
    is_pressed: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Siege {
    /// Clients that wait to be told.
    pub(super) fn begin(endpoint: Endpoint) -> Self {
        let (is_pressed, is_over) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let clients = Clients {
            address: endpoint.address(),
            is_pressed: Arc::clone(&is_pressed),
            is_over: Arc::clone(&is_over),
        };
        let thread = thread::spawn(move || clients.run());
        Self { endpoint, is_pressed, is_over, thread }
    }

    /// Lets them press on, which they do when this returns; or sends them away.
    pub(super) fn press(&self, is_pressed: bool) {
        self.is_pressed.store(is_pressed, Ordering::Relaxed);
        thread::sleep(COMING);
    }

    /// Sends them away.
    ///
    /// # Errors
    /// The endpoint does not answer any more.
    pub(super) fn end(self) -> Attempt<()> {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
        let answer = scrape(self.endpoint.address()).unwrap_or_default();
        if answer.starts_with("HTTP/1.1 200") && answer.contains("caxton_slo_events_total") {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!("after the siege the endpoint answers {answer:?}")))
    }
}

/// What the endpoint says.
fn scrape(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

struct Clients {
    address: SocketAddr,
    is_pressed: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
}

impl Clients {
    fn run(&self) {
        let mut clients: Vec<Option<TcpStream>> = (0..SLOW).map(|_| None).collect();
        let mut turn = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let is_pressed = self.is_pressed.load(Ordering::Relaxed);
            if !is_pressed {
                clients.fill_with(|| None);
            }
            for _ in 0..if is_pressed { AT_A_TIME } else { 0 } {
                let client = &mut clients[turn % SLOW];
                turn += 1;
                // One that was sent away comes again.
                let lives = client.as_mut().is_some_and(|stream| stream.write_all(b"a").is_ok());
                if !lives {
                    *client = self.come(turn);
                }
            }
            thread::sleep(PAUSE);
        }
    }

    fn come(&self, turn: usize) -> Option<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        // What does not fit into the kernel's buffers is not waited for.
        stream.set_nonblocking(true).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nA: ").ok()?;
        if turn.is_multiple_of(LONG_EVERY) {
            let _ = stream.write_all(&vec![b'a'; HEAD_BYTES]);
        }
        Some(stream)
    }
}
