//! `/metrics` and `/healthz` over HTTP, on a thread of its own. Whoever may reach it may not make
//! its host slow: few connections at a time, of which the oldest gives way to a new one; one
//! request each; little time and little memory for it; a pause between two; counts that are added
//! up at most ten times a second.

use crate::exposition::{OPENMETRICS, TEXT, openmetrics, text};
use crate::metrics::{Metrics, held};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time;

/// The port that clients of Prometheus use where none is registered for them.
const PORT: u16 = 9464;
/// Head of a request: hyper takes no fewer.
const HEAD_BYTES: usize = 8192;
/// Between two connections that are taken.
const PAUSE: Duration = Duration::from_millis(4);
/// How old counts may be that are told once more.
const FRESH: Duration = Duration::from_millis(100);

/// Where and how to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointOptions {
    pub address: SocketAddr,
    /// The most connections at a time.
    pub connections_max: usize,
    /// How long a request may take to arrive; twice that with its answer.
    pub patience: Duration,
}

impl Default for EndpointOptions {
    /// Port 9464 of this machine alone.
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        Self { address, connections_max: 16, patience: Duration::from_secs(2) }
    }
}

impl EndpointOptions {
    /// The same on a port of this machine that nobody has.
    pub fn on_any_port() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { address, ..Self::default() }
    }
}

/// A server that ends when it is dropped.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Serves `metrics` from now on.
    ///
    /// # Errors
    /// The address cannot be had, or no thread.
    pub fn start(metrics: &Arc<Metrics>, options: EndpointOptions) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(options.address))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let pages = Arc::new(Pages {
            metrics: Arc::clone(metrics),
            text: Mutex::default(),
            openmetrics: Mutex::default(),
        });
        let serve = move || {
            runtime.spawn(serve(listener, pages, options));
            // Whoever still talks to it is not waited for.
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new().name("metrics".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens: the port that it got, where it was told none.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, pages: Arc<Pages>, options: EndpointOptions) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        // No file is left for one more: those that are open will end.
        if let Ok((stream, _)) = listener.accept().await {
            open.retain(|connection| !connection.is_finished());
            while open.len() >= options.connections_max.max(1) {
                open.pop_front().inspect(AbortHandle::abort);
            }
            let task = tokio::spawn(connection(stream, Arc::clone(&pages), options.patience));
            open.push_back(task.abort_handle());
        }
        time::sleep(PAUSE).await;
    }
}

/// One request, and its answer.
async fn connection(stream: TcpStream, pages: Arc<Pages>, patience: Duration) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&pages, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // What becomes of a stranger's connection is no matter of the host.
    let _ = time::timeout(patience * 2, served).await;
}

fn answer(pages: &Arc<Pages>, request: &Request<Incoming>) -> Response<String> {
    let told = |status: StatusCode, kind: &'static str, body: String| {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("a type of ours"));
        response
    };
    const PLAIN: &str = "text/plain; charset=utf-8";
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return told(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET /metrics\n".to_owned());
    }
    match request.uri().path() {
        "/metrics" => {
            let accepted = request.headers().get_all(ACCEPT).iter();
            let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
            let is_open = wants_openmetrics(&accepted.join(","));
            told(StatusCode::OK, if is_open { OPENMETRICS } else { TEXT }, pages.page(is_open))
        }
        "/healthz" => told(StatusCode::OK, PLAIN, "ok\n".to_owned()),
        _ => told(StatusCode::NOT_FOUND, PLAIN, "GET /metrics or /healthz\n".to_owned()),
    }
}

/// Whether `accept` prefers OpenMetrics to text: the higher quality, and of equal ones OpenMetrics.
fn wants_openmetrics(accept: &str) -> bool {
    let quality = |is_such: fn(&str) -> bool| {
        let offers = accept.split(',').filter_map(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            is_such(parts.next()?).then_some(())?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            Some(quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
        });
        offers.fold(0.0_f64, f64::max)
    };
    let open = quality(|kind| kind == "application/openmetrics-text");
    open > 0.0 && open >= quality(|kind| kind == "text/plain")
}

/// The page in each format, as it was told last: none where that is too long ago.
#[derive(Debug)]
struct Pages {
    metrics: Arc<Metrics>,
    text: Mutex<Option<String>>,
    openmetrics: Mutex<Option<String>>,
}

impl Pages {
    fn page(self: &Arc<Self>, is_open: bool) -> String {
        let mut kept = self.kept(is_open);
        if let Some(page) = &*kept {
            return page.clone();
        }
        let pages = Arc::clone(self);
        tokio::spawn(async move {
            time::sleep(FRESH).await;
            *pages.kept(is_open) = None;
        });
        let page = if is_open { openmetrics(&self.metrics) } else { text(&self.metrics) };
        kept.insert(page).clone()
    }

    fn kept(&self, is_open: bool) -> MutexGuard<'_, Option<String>> {
        held(if is_open { &self.openmetrics } else { &self.text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Labels;
    use crate::objectives;
    use std::io::{Read, Write};

    #[test]
    fn the_format_is_what_the_reader_prefers() {
        // What Prometheus 2.42 asks for.
        let prometheus = "application/openmetrics-text;version=1.0.0,\
                          application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            (prometheus, true),
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.5", false),
            ("application/openmetrics-text; q=0", false),
            ("application/openmetrics-text; q=nonsense", false),
            ("APPLICATION", false),
        ] {
            assert_eq!(wants_openmetrics(accept), expected, "{accept}");
        }
    }

    fn started(patience: Duration) -> (Endpoint, Arc<Metrics>) {
        let slos = objectives(&["success rate>0.99"]).unwrap();
        let metrics = Metrics::new(slos, Labels::default()).unwrap();
        let options =
            EndpointOptions { connections_max: 4, patience, ..EndpointOptions::on_any_port() };
        (Endpoint::start(&metrics, options).unwrap(), metrics)
    }

    /// What comes back for `request`, all of it.
    fn said(endpoint: &Endpoint, request: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(endpoint.address()).unwrap();
        // It may be cut off while it still talks.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_answers_what_it_knows_and_refuses_the_rest() {
        let (endpoint, metrics) = started(LONG);
        metrics.recorder().answered(1, 1);
        let page = said(&endpoint, GET);
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("version=0.0.4"), "{page}");
        assert!(page.contains("outcome=\"good\"} 1"), "{page}");
        let open = b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n";
        assert!(said(&endpoint, open).ends_with("# EOF\n"));
        for (request, status) in [
            ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
            ("GET / HTTP/1.0\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.0\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"),
        ] {
            let answer = said(&endpoint, request.as_bytes());
            assert!(answer.split(' ').nth(1) == Some(status), "{request:?}: {answer}");
        }
    }

    #[test]
    fn a_head_without_an_end_is_cut_off_and_costs_no_memory() {
        let (endpoint, _metrics) = started(LONG);
        let head = [b"GET /metrics HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; 1 << 20]].concat();
        let answer = said(&endpoint, &head);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(said(&endpoint, GET).contains("200 OK"));
    }

    #[test]
    fn half_requests_are_ended_and_many_slow_clients_keep_nobody_out() {
        let (endpoint, _metrics) = started(LONG);
        let half = |_| {
            let mut stream = std::net::TcpStream::connect(endpoint.address()).unwrap();
            stream.write_all(b"GET /metr").unwrap();
            stream
        };
        // Nobody's time is up: what makes room is that the oldest one gives way.
        let slow: Vec<_> = (0..200).map(half).collect();
        assert!(said(&endpoint, GET).contains("200 OK"));
        let ended = slow.into_iter().filter(|stream| {
            stream.set_nonblocking(true).unwrap();
            let read = (&*stream).read(&mut [0]);
            !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        });
        assert!(ended.count() >= 200 - 4, "at most four stay open");
        let (impatient, _metrics) = started(Duration::from_millis(1));
        let answer = said(&impatient, b"GET /metr");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[test]
    fn it_ends_while_somebody_talks_to_it() {
        let (endpoint, _metrics) = started(LONG);
        let address = endpoint.address();
        let mut half = std::net::TcpStream::connect(address).unwrap();
        half.write_all(b"GET /metr").unwrap();
        drop(endpoint);
        assert!(matches!(half.read(&mut [0]), Ok(0) | Err(_)), "the connection is gone");
        assert!(std::net::TcpStream::connect(address).is_err(), "the port is free");
    }
}
