//! HTTP load from a thread of its own: keep-alive connections, one request at a time on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::drive::{Done, Driven, drive_at};

/// One HTTP/1.1 connection. It knows what our contestants answer: a head, and a body of a length that the head names.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    pub async fn send(&mut self, request: &[u8]) -> Result<Answered> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end])?;
        let status = head.split(' ').nth(1).context("a status line")?.parse()?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head_end + length.context("an answer without a length")?;
        while self.buffer.len() < end {
            self.read().await?;
        }
        Ok(Answered { status, body: self.buffer[head_end..end].to_vec() })
    }

    async fn read(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

/// How to load.
#[derive(Clone)]
pub struct Plan {
    pub address: SocketAddr,
    pub connections: usize,
    pub warm_up: Duration,
    pub turn: Duration,
    /// Requests a second; as many as are answered if it is not given.
    pub pace: Option<f64>,
}

/// Sends what `request` makes of 0, 1, 2 … and expects 200.
pub async fn load<R>(plan: Plan, request: R) -> Result<Driven>
where
    R: Fn(u64) -> Vec<u8> + Send + Sync + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::spawn_blocking(move || runtime.block_on(run(plan, Arc::new(request)))).await?
}

async fn run<R>(plan: Plan, request: Arc<R>) -> Result<Driven>
where
    R: Fn(u64) -> Vec<u8> + Send + Sync + 'static,
{
    let mut connections = Vec::new();
    for _ in 0..plan.connections {
        connections.push(Mutex::new(Connection::open(plan.address).await?));
    }
    let (connections, sent) = (Arc::new(connections), Arc::new(AtomicU64::new(0)));
    drive_at(plan.pace, plan.connections, plan.warm_up, plan.turn, move |worker| {
        let (connections, sent, request) = (connections.clone(), sent.clone(), request.clone());
        async move {
            let turn = sent.fetch_add(1, Ordering::Relaxed);
            // Each worker has its own: nobody waits here.
            let mut connection = connections[worker].lock().await;
            let answered = connection.send(&request(turn)).await?;
            ensure!(
                answered.status == 200,
                "{}: {}",
                answered.status,
                String::from_utf8_lossy(&answered.body)
            );
            Ok(Done::Well)
        }
    })
    .await
}
