//! A load balancer like any other: it asks each instance whether it is ready, gives each request to the next one that
//! is, and sends to another only what it could not send at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::task::JoinHandle;

/// How often it asks.
const CHECK: Duration = Duration::from_millis(50);
/// The header that tells who answered.
pub const SERVED_BY: &str = "x-served-by";

struct Instance {
    url: String,
    up: AtomicBool,
    served: AtomicUsize,
}

#[derive(Clone)]
pub struct Balancer {
    pub url: String,
    shared: Arc<Shared>,
    checks: Arc<Vec<JoinHandle<()>>>,
}

struct Shared {
    instances: Vec<Instance>,
    next: AtomicUsize,
    http: reqwest::Client,
}

impl Balancer {
    /// In front of these, all of which are ready.
    pub async fn before(urls: &[String]) -> Self {
        let instances = urls
            .iter()
            .map(|url| Instance { url: url.clone(), up: AtomicBool::new(true), served: AtomicUsize::new(0) })
            .collect();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let shared = Arc::new(Shared { instances, next: AtomicUsize::new(0), http });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(forward).with_state(shared.clone());
        let mut tasks = vec![tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() })];
        tasks.extend((0..urls.len()).map(|n| tokio::spawn(check(shared.clone(), n))));
        Self { url, shared, checks: Arc::new(tasks) }
    }

    /// How many answers each has given.
    pub fn served(&self) -> Vec<usize> {
        self.shared.instances.iter().map(|instance| instance.served.load(Ordering::Relaxed)).collect()
    }

    /// Waits until the n-th is, or is not, given requests.
    pub async fn sees(&self, n: usize, up: bool) {
        let seen = tokio::time::timeout(Duration::from_mins(1), async {
            let mut look = tokio::time::interval(Duration::from_millis(10));
            while self.shared.instances[n].up.load(Ordering::Acquire) != up {
                look.tick().await;
            }
        });
        seen.await.expect("the balancer sees no change");
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if Arc::strong_count(&self.checks) == 1 {
            self.checks.iter().for_each(JoinHandle::abort);
        }
    }
}

async fn check(shared: Arc<Shared>, n: usize) {
    let mut pace = tokio::time::interval(CHECK);
    loop {
        pace.tick().await;
        let instance = &shared.instances[n];
        let asked = shared.http.get(format!("{}/health/ready", instance.url)).timeout(Duration::from_secs(3));
        let up = asked.send().await.is_ok_and(|answer| answer.status().is_success());
        instance.up.store(up, Ordering::Release);
    }
}

/// These are about one connection, not about the message.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::HOST] {
        headers.remove(name);
    }
    headers
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    for _ in 0..2 * shared.instances.len() {
        let n = shared.next.fetch_add(1, Ordering::Relaxed) % shared.instances.len();
        let instance = &shared.instances[n];
        if !instance.up.load(Ordering::Acquire) {
            continue;
        }
        match send(&shared.http, &parts.method, &parts.headers, &instance.url, path, body.clone()).await {
            Ok(mut response) => {
                instance.served.fetch_add(1, Ordering::Relaxed);
                response.headers_mut().insert(SERVED_BY, n.to_string().parse().unwrap());
                return response;
            }
            // It was never sent.
            Err(error) if error.is_connect() => instance.up.store(false, Ordering::Release),
            Err(error) => return (StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
        }
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no instance is ready").into_response()
}

async fn send(
    http: &reqwest::Client,
    method: &Method,
    headers: &HeaderMap,
    instance: &str,
    path: &str,
    body: Bytes,
) -> Result<Response, reqwest::Error> {
    let request = http.request(method.clone(), format!("{instance}{path}")).headers(end_to_end(headers));
    let answer = request.body(body).send().await?;
    let (status, headers) = (answer.status(), end_to_end(answer.headers()));
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
