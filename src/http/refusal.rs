//! What cannot be read as a request is refused like everything else: in the envelope, with a request id.
//!
//! hyper refuses it before any route is asked, by an answer without a body that cannot be changed from outside. It is
//! recognised on its way to the socket, by its form, and another goes out in its place. Answers of ours never look like
//! it, for all of them have a request id.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use mobid_domain::id::RequestId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::envelope::error_text;
use super::error::ApiError;
use super::security;

/// hyper's own refusals are shorter than this.
const LONGEST: usize = 256;
const REFUSALS: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
/// How long what is left of a request that was refused is read and dropped, so that its sender gets to read why.
const LINGERING: Duration = Duration::from_secs(2);

/// A connection whose refusals are in the envelope, and which ends if its peer does not take what it asked for.
pub struct Connection {
    stream: TcpStream,
    https: bool,
    patience: Duration,
    /// What goes out in the place of a refusal, and how much of it did.
    refusal: Option<(Vec<u8>, usize)>,
    refused: bool,
    /// When patience ends with a peer that takes nothing, or with one that still sends after it was refused.
    end: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub fn new(stream: TcpStream, https: bool, patience: Duration) -> Self {
        Self { stream, https, patience, refusal: None, refused: false, end: None }
    }

    fn send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if sent.is_ready() {
            self.end = None;
            return sent;
        }
        if self.is_over(cx, self.patience) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { sent }
    }

    /// Whether the time is over that began when this was first asked.
    fn is_over(&mut self, cx: &mut Context<'_>, after: Duration) -> bool {
        let end = self.end.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + after)));
        end.as_mut().poll(cx).is_ready()
    }

    fn refuse(&mut self, cx: &mut Context<'_>, refused: &Refused<'_>) -> Poll<io::Result<()>> {
        let (answer, sent) = self.refusal.take().unwrap_or_else(|| (refused.answer(self.https), 0));
        match self.send(cx, &answer[sent..]) {
            Poll::Ready(Ok(more)) if sent + more < answer.len() => {
                self.refusal = Some((answer, sent + more));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Ok(_)) => {
                self.refused = true;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.refusal = Some((answer, sent));
                Poll::Pending
            }
        }
    }

    /// Drops what still comes, until nothing does or patience ends.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut room = [0; 4096];
        while !self.is_over(cx, LINGERING) {
            let mut dropped = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut dropped)) {
                Ok(()) if !dropped.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Refused::at_the_end_of(bytes) {
            None => this.send(cx, bytes),
            Some((at, _)) if at > 0 => this.send(cx, &bytes[..at]),
            Some((_, refused)) => this.refuse(cx, &refused).map_ok(|()| bytes.len()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if this.refused {
            ready!(this.linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

/// What hyper said.
#[derive(Debug, PartialEq, Eq)]
struct Refused<'a> {
    status: StatusCode,
    date: Option<&'a str>,
}

impl<'a> Refused<'a> {
    /// A refusal is the last that is said on its connection.
    fn at_the_end_of(bytes: &'a [u8]) -> Option<(usize, Self)> {
        if !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let start = bytes.len().saturating_sub(LONGEST);
        let at = start + bytes[start..].windows(7).rposition(|window| window == b"HTTP/1.")?;
        let mut lines = std::str::from_utf8(&bytes[at..]).ok()?.trim_end().split("\r\n");
        let code = lines.next()?.split(' ').nth(1)?;
        let status = REFUSALS.into_iter().find(|status| status.as_str() == code)?;
        let (mut date, mut is_empty) = (None, false);
        for line in lines {
            match line.split_once(": ")? {
                ("content-length", "0") => is_empty = true,
                ("connection", "close") => {}
                ("date", text) => date = Some(text),
                _ => return None,
            }
        }
        is_empty.then_some((at, Self { status, date }))
    }

    fn answer(&self, https: bool) -> Vec<u8> {
        let id = RequestId(crate::ids::new_id()).to_string();
        tracing::debug!(request_id = %id, status = self.status.as_u16(), "refused: no valid request");
        metrics::counter!("mobid_unreadable_requests_total").increment(1);
        let body = error_text(&ApiError::unreadable(self.status), id.clone());
        let length = body.len().to_string();
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        let mut put = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        put("content-type", "application/json");
        put("content-length", &length);
        put("connection", "close");
        put("x-request-id", &id);
        if let Some(date) = self.date {
            put("date", date);
        }
        let mut headers = HeaderMap::new();
        security::add(&mut headers, https);
        for (name, value) in &headers {
            put(name.as_str(), value.to_str().unwrap_or_default());
        }
        format!("{head}\r\n{body}").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSAL: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                           content-length: 0\r\ndate: Mon, 23 Nov 2026 09:00:00 GMT\r\n\r\n";

    #[test]
    fn a_refusal_is_recognised_behind_an_answer() {
        let expected = Refused {
            status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            date: Some("Mon, 23 Nov 2026 09:00:00 GMT"),
        };
        assert_eq!(Refused::at_the_end_of(REFUSAL.as_bytes()), Some((0, expected)));
        let answer = "HTTP/1.1 200 OK\r\nx-request-id: req_1\r\ncontent-length: 2\r\n\r\n{}";
        let both = format!("{answer}{REFUSAL}");
        assert_eq!(Refused::at_the_end_of(both.as_bytes()).unwrap().0, answer.len());
    }

    #[test]
    fn no_answer_of_ours_is_one() {
        for ours in [
            "",
            "\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-request-id: req_1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 303 See Other\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
        ] {
            assert_eq!(Refused::at_the_end_of(ours.as_bytes()), None, "{ours}");
        }
    }
}
