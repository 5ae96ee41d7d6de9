//! A TCP proxy that can cut, stall and refuse connections, and lose answers to what it let through.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::sync::watch;

/// Where it leads.
#[derive(Debug, Clone)]
pub enum Upstream {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// What becomes of a connection whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Cut,
    /// It stays open and says nothing more, as when the machine behind it is gone.
    Silence,
}

/// Says of each answer whether it is to be lost. There is one for each connection.
pub trait Judge: Send + 'static {
    /// What the client has sent, which has gone through.
    fn asked(&mut self, bytes: &[u8]);
    /// What the server answered.
    fn loses(&mut self, bytes: &[u8]) -> Option<Then>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Nothing goes either way until it passes again.
    Stall,
    /// Connections end at once, those there are and those that come.
    Refuse,
}

#[derive(Debug, Clone, Copy)]
struct Control {
    mode: Mode,
    /// Connections from before the last cut are cut.
    cuts: u64,
}

pub struct Proxy {
    pub port: u16,
    control: watch::Sender<Control>,
    to_lose: Arc<AtomicUsize>,
}

impl Proxy {
    /// Loses only what [`Self::lose_answers`] asks for.
    pub async fn start(upstream: Upstream) -> Self {
        let to_lose = Arc::new(AtomicUsize::new(0));
        let judge = Some(to_lose.clone());
        Self::judged(upstream, to_lose, move || Countdown(judge.clone())).await
    }

    /// Each connection's answers go by a judge of its own.
    pub async fn with_judge<J: Judge>(
        upstream: Upstream,
        judge: impl Fn() -> J + Send + Sync + 'static,
    ) -> Self {
        Self::judged(upstream, Arc::default(), judge).await
    }

    async fn judged<J: Judge>(
        upstream: Upstream,
        to_lose: Arc<AtomicUsize>,
        judge: impl Fn() -> J + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let control = watch::Sender::new(Control { mode: Mode::Pass, cuts: 0 });
        let controlled = control.subscribe();
        tokio::spawn(async move {
            while let Ok((client, from)) = listener.accept().await {
                let (upstream, judge, controlled) = (upstream.clone(), judge(), controlled.clone());
                tokio::spawn(async move {
                    // A connection that ends is what this proxy is about.
                    let _ = connect(client, from, upstream, judge, controlled).await;
                });
            }
        });
        Self { port, control, to_lose }
    }

    /// Cuts every connection that there is now.
    pub fn cut(&self) {
        self.control.send_modify(|control| control.cuts += 1);
    }

    pub fn stall(&self) {
        self.control.send_modify(|control| control.mode = Mode::Stall);
    }

    pub fn refuse(&self) {
        self.control.send_modify(|control| control.mode = Mode::Refuse);
    }

    pub fn pass(&self) {
        self.control.send_modify(|control| control.mode = Mode::Pass);
        self.to_lose.store(0, Ordering::Relaxed);
    }

    /// The next so many answers are lost, and their connections cut.
    pub fn lose_answers(&self, count: usize) {
        self.to_lose.store(count, Ordering::Relaxed);
    }
}

struct Countdown(Option<Arc<AtomicUsize>>);

impl Judge for Countdown {
    fn asked(&mut self, _: &[u8]) {}

    fn loses(&mut self, _: &[u8]) -> Option<Then> {
        let left = self.0.as_ref()?;
        let lost = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        lost.is_ok().then_some(Then::Cut)
    }
}

async fn connect(
    client: TcpStream,
    from: SocketAddr,
    upstream: Upstream,
    judge: impl Judge,
    control: watch::Receiver<Control>,
) -> std::io::Result<()> {
    match upstream {
        Upstream::Unix(path) => forward(client, UnixStream::connect(path).await?, judge, control).await,
        Upstream::Tcp(to) => {
            // Who came from another loopback address is still told apart behind the proxy.
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from.ip(), 0))?;
            forward(client, socket.connect(to).await?, judge, control).await
        }
    }
}

async fn forward(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    mut judge: impl Judge,
    mut control: watch::Receiver<Control>,
) -> std::io::Result<()> {
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let born = control.borrow().cuts;
    loop {
        let now = *control.borrow_and_update();
        if now.cuts > born || now.mode == Mode::Refuse {
            return Ok(());
        }
        let passes = now.mode == Mode::Pass;
        tokio::select! {
            changed = control.changed() => if changed.is_err() { return Ok(()) },
            read = client.read(&mut from_client), if passes => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                judge.asked(&from_client[..n]);
                server.write_all(&from_client[..n]).await?;
            }
            read = server.read(&mut from_server), if passes => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                match judge.loses(&from_server[..n]) {
                    None => client.write_all(&from_server[..n]).await?,
                    Some(Then::Cut) => return Ok(()),
                    Some(Then::Silence) => std::future::pending().await,
                }
            }
        }
    }
}

/// A database's URL as it is behind a proxy.
pub fn through_proxy(database_url: &str, port: u16) -> String {
    let name = database_url.rsplit('/').next().unwrap();
    format!("postgres://mobid@127.0.0.1:{port}/{name}?sslmode=disable")
}

/// The socket that a database's URL names.
pub fn socket_of(database_url: &str) -> PathBuf {
    let options: PgConnectOptions = database_url.parse().unwrap();
    options.get_socket().unwrap().join(format!(".s.PGSQL.{}", options.get_port()))
}
