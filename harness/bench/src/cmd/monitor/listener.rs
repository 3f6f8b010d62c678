//! Takes the webhooks of an Alertmanager: one request for each connection, its body and no more.

use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// The longest request.
const BYTES_MAX: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// Where webhooks come in.
pub(super) struct Listener {
    pub address: SocketAddr,
    /// The body of each.
    pub hooks: Receiver<Value>,
}

impl Listener {
    /// Listens on a port of this machine that is free, as long as the process lives.
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tell, hooks) = mpsc::channel();
        thread::Builder::new().name("webhooks".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who says something else is no Alertmanager.
                let Ok(body) = take(&stream) else { continue };
                if tell.send(body).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { address, hooks })
    }
}

/// The body of a request, which is answered.
fn take(stream: &TcpStream) -> io::Result<Value> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = io::BufReader::new(stream.take(BYTES_MAX));
    let mut bytes = 0;
    loop {
        let mut line = String::new();
        io::BufRead::read_line(&mut reader, &mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(length) = lower.strip_prefix("content-length:") {
            bytes = length.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = Vec::new();
    reader.take(bytes).read_to_end(&mut body)?;
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}
