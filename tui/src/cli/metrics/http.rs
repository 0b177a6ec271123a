//! As much of HTTP as a collector on the same machine needs.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::{SPEC, collect};

/// Most collectors at a time.
const MAX_CONNECTIONS: usize = 16;
/// Longest request, with all its headers, in bytes.
const MAX_REQUEST: usize = 8 << 10;
/// Time a collector has to send its request, and to take the answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Time before another attempt where the host has no room for a connection.
const RETRY: Duration = Duration::from_millis(100);

/// An answer: status line, type, body.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn failure(status: &'static str, text: &str) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: format!("{text}\n") }
    }
}

/// Answers collectors until the process ends.
pub(super) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    eprintln!("{}: listening on http://{}/metrics", SPEC.classic, listener.local_addr()?);
    let connections = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(RETRY);
            continue;
        };
        let connections = connections.clone();
        if connections.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            connections.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let work = move || {
            // A collector that hangs up or is too slow gets nothing; it will ask again.
            let _ = converse(stream);
            connections.fetch_sub(1, Ordering::AcqRel);
        };
        thread::Builder::new().name("collector".into()).spawn(work).context("cannot answer")?;
    }
}

fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    let request = read_request(&mut stream)?;
    let Answer { status, kind, body } = answer(&request, metrics);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

/// The request up to the end of its headers, or as much as is taken.
fn read_request(stream: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") && bytes.len() < MAX_REQUEST {
        match stream.read(&mut buffer)? {
            0 => break,
            count => bytes.extend(&buffer[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn metrics() -> Answer {
    match collect() {
        Ok(Some(body)) => Answer {
            status: "200 OK",
            kind: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body,
        },
        Ok(None) => Answer::failure("503 Service Unavailable", "The VSP is not running."),
        Err(error) => Answer::failure("503 Service Unavailable", &format!("{error:#}")),
    }
}

fn answer(request: &str, metrics: impl FnOnce() -> Answer) -> Answer {
    let mut words = request.lines().next().unwrap_or_default().split(' ');
    let path = (words.next(), words.next().map(|target| target.split('?').next().unwrap_or_default()));
    match path {
        (Some("GET"), Some("/metrics")) => metrics(),
        (Some("GET"), Some(_)) => Answer::failure("404 Not Found", "Figures are at /metrics."),
        (Some(_), Some(_)) => Answer::failure("405 Method Not Allowed", "Only GET is answered."),
        _ => Answer::failure("400 Bad Request", "This is no request."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_by_their_first_line() {
        let status = |request: &str| answer(request, || Answer::failure("200 OK", "")).status;
        assert_eq!(status("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
        assert_eq!(status("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), "200 OK");
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "404 Not Found");
        assert_eq!(status("POST /metrics HTTP/1.1\r\n\r\n"), "405 Method Not Allowed");
        assert_eq!(status("\u{fffd}\r\n"), "400 Bad Request");
        assert_eq!(status(""), "400 Bad Request");
    }

    #[test]
    fn requests_without_end_are_cut() {
        let read = read_request(&mut io::repeat(b'x')).unwrap();
        assert!((MAX_REQUEST..MAX_REQUEST + 1024).contains(&read.len()));
        assert_eq!(read_request(&mut &b"GET /\r\n\r\n"[..]).unwrap(), "GET /\r\n\r\n");
    }
}
