//! Serves the account over HTTPS.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::account::{Account, Key};
use super::authority::Authority;
use super::faults::{Fault, Faults, Strike};
use super::message::{RawReply, RawRequest};
use super::paths::{CONSOLE_PATH, GRAPHQL_PATH, TOKEN_PATH};
use super::switches::Switches;

/// A request body larger than this is refused.
const BODY_LIMIT: usize = 8 << 20;
/// How many bytes a dripping reply sends at a time, and the pause in between.
const DRIP: (usize, Duration) = (16, Duration::from_millis(20));

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The state folder; without one nothing is kept.
    pub state: Option<PathBuf>,
    /// The account's API hostname; by default that of the state, or of the seeded account.
    pub api_hostname: Option<String>,
    /// Faults that are active from the start.
    pub faults: Vec<Fault>,
    /// Choices where Duo's behaviour is unknown.
    pub switches: Switches,
    /// The address that callers appear to come from, for `networks_for_api_access`.
    pub caller_address: Option<IpAddr>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: None,
            api_hostname: None,
            faults: Vec::new(),
            switches: Switches::default(),
            caller_address: None,
        }
    }
}

/// A running sandbox. It stops when it is shut down or dropped.
pub struct Running {
    address: SocketAddr,
    account: Arc<Mutex<Account>>,
    authority: Authority,
    strangers: UnboundedReceiver<String>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Contains the certificate authority of a sandbox without a state folder.
    _folder: Option<TempDir>,
}

/// Opens the account and serves it on the current tokio runtime.
///
/// # Errors
///
/// When the state folder cannot be used or is in use, or the address cannot be listened on.
pub async fn start(options: ServeOptions) -> io::Result<Running> {
    let (mut account, authority, folder) = match &options.state {
        Some(state) => (Account::open(state)?, Authority::open(state)?, None),
        None => {
            let folder = tempfile::tempdir()?;
            (Account::in_memory()?, Authority::open(folder.path())?, Some(folder))
        }
    };
    if let Some(host) = &options.api_hostname {
        account.set_api_hostname(host)?;
    }
    account.switches = options.switches;
    account.faults = Faults::new(options.faults);
    account.caller_address = options.caller_address;
    let (sender, strangers) = unbounded_channel();
    account.on_stranger = Some(sender);
    let account = Arc::new(Mutex::new(account));
    let acceptor = TlsAcceptor::from(Arc::new(authority.server()?));
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {}: {error}", options.listen))
    })?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&account), stop.clone()));
    Ok(Running { address, account, authority, strangers, stop, task, _folder: folder })
}

impl Running {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of every URL; the certificate is valid for it.
    pub fn url(&self) -> String {
        let ip = self.address.ip();
        let reachable = if ip.is_loopback() {
            self.address.to_string()
        } else {
            format!("localhost:{}", self.address.port())
        };
        format!("https://{reachable}")
    }

    /// The certificate of the authority, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.authority.pem
    }

    /// The file with [`Running::ca_pem`].
    pub fn ca_file(&self) -> &Path {
        &self.authority.file
    }

    /// The account's API hostname.
    pub fn api_hostname(&self) -> String {
        self.account().api_hostname().to_owned()
    }

    /// The next hostname in a request that is not the account's; each is returned once.
    pub async fn stranger(&mut self) -> Option<String> {
        self.strangers.recv().await
    }

    /// The keys that a client can use.
    pub fn keys(&self) -> Vec<Key> {
        self.account().keys()
    }

    /// The account, to inspect and to edit behind the clients' back. Must not be held across an await.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    /// The same account for a client without sockets: see [`super::direct::Direct`].
    pub fn shared(&self) -> Arc<Mutex<Account>> {
        Arc::clone(&self.account)
    }

    /// The console of the simulated Identity Intelligence.
    pub fn console_url(&self) -> String {
        format!("{}{}", self.url(), CONSOLE_PATH)
    }

    /// The token endpoint of the simulated Identity Intelligence.
    pub fn token_url(&self) -> String {
        format!("{}{}", self.url(), TOKEN_PATH)
    }

    /// The public API of the simulated Identity Intelligence.
    pub fn graphql_url(&self) -> String {
        format!("{}{}", self.url(), GRAPHQL_PATH)
    }

    /// The line that `sandbox serve` prints when it is ready. Its keys are in clear text: they only open this sandbox.
    pub fn document(&self) -> Value {
        let keys = self.keys().into_iter().map(|key| {
            json!({
                "name": key.name, "type": key.kind, "integration_key": key.integration_key,
                "secret_key": key.secret_key.expose(),
            })
        });
        json!({
            "url": self.url(), "api_hostname": self.api_hostname(), "ca_file": self.ca_file(),
            "keys": keys.collect::<Vec<_>>(), "notice": "this is a simulator, not Duo",
            "console_url": self.console_url(), "token_url": self.token_url(), "graphql_url": self.graphql_url(),
        })
    }

    /// Stops accepting connections, drops the open ones, and releases the state folder.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        // The task has ended; a panic in it must not fail the shutdown.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    account: Arc<Mutex<Account>>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Finished connections are cleaned up while new ones arrive.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer.ip(), acceptor.clone(), Arc::clone(&account)));
                }
                // Usually too many open files: wait until some are closed.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, peer: IpAddr, acceptor: TlsAcceptor, account: Arc<Mutex<Account>>) {
    // Small replies must not wait for more data.
    let _ = stream.set_nodelay(true);
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%peer, %error, "the TLS handshake failed");
            return;
        }
    };
    let service = service_fn(|request| respond(request, peer, Arc::clone(&account)));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "the connection ended early");
    }
}

/// An error here closes the connection without an answer, which simulates a reset.
async fn respond(
    request: Request<Incoming>,
    peer: IpAddr,
    account: Arc<Mutex<Account>>,
) -> io::Result<Response<Sending>> {
    let now = Timestamp::now().as_second();
    let Some(request) = read(request, peer).await? else {
        let too_large = RawReply::new(413, "text/plain", b"the request body is too large".into(), now);
        return reply(too_large, Sending::whole);
    };
    let (strike, delay, drips) = {
        let mut account = lock(&account);
        (account.strike(&request, now), account.faults.delay(&request), account.faults.drips())
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let reset = || io::Error::new(io::ErrorKind::ConnectionReset, "reset on request");
    let even: SendAs = if drips { Sending::dripping } else { Sending::whole };
    let (answer, send): (RawReply, SendAs) = match strike {
        Strike::ResetBefore => return Err(reset()),
        Strike::Answer(answer) => (answer, even),
        Strike::None => (lock(&account).handle(&request, now), even),
        Strike::Truncate => (lock(&account).handle(&request, now), Sending::half),
        Strike::Endless => {
            let mut answer = lock(&account).handle(&request, now);
            // An endless body cannot have a length.
            answer.headers.retain(|(name, _)| *name != "Content-Length");
            (answer, Sending::endless)
        }
        Strike::ResetAfter => {
            lock(&account).handle(&request, now);
            return Err(reset());
        }
        // This ends when the client disconnects.
        Strike::Halt => std::future::pending().await,
        Strike::HaltAfter => {
            lock(&account).handle(&request, now);
            std::future::pending().await
        }
    };
    tracing::debug!(method = %request.method, path = request.path(), status = answer.status, "answered");
    reply(answer, send)
}

/// The request with its body; `None` if the body is too large.
async fn read(request: Request<Incoming>, peer: IpAddr) -> io::Result<Option<RawRequest>> {
    let (parts, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            body.extend_from_slice(&data);
        }
        if body.len() > BODY_LIMIT {
            return Ok(None);
        }
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let header = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), header(value.as_bytes())));
    let request = RawRequest::new(parts.method.as_str(), target, headers.collect(), body);
    Ok(Some(RawRequest { peer, ..request }))
}

fn reply(raw: RawReply, send: impl Fn(Vec<u8>) -> Sending) -> io::Result<Response<Sending>> {
    let mut response = Response::new(send(raw.body));
    *response.status_mut() = StatusCode::from_u16(raw.status).map_err(io::Error::other)?;
    for (name, value) in raw.headers {
        response.headers_mut().insert(name, value.parse().map_err(io::Error::other)?);
    }
    Ok(response)
}

/// How a body is sent.
type SendAs = fn(Vec<u8>) -> Sending;

/// A response body in pieces, with a pause between them, and optionally without its end.
struct Sending {
    pieces: VecDeque<Bytes>,
    pause: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
    /// Whether the connection is lost after the last piece.
    cut: bool,
    /// Whether spaces follow the last piece forever.
    endless: bool,
}

impl Sending {
    fn whole(body: Vec<u8>) -> Self {
        Self {
            pieces: VecDeque::from([Bytes::from(body)]),
            pause: None,
            waiting: None,
            cut: false,
            endless: false,
        }
    }

    fn half(mut body: Vec<u8>) -> Self {
        body.truncate(body.len() / 2);
        // The pause lets the half be sent before the connection is lost.
        Self { pause: Some(DRIP.1), cut: true, ..Self::whole(body) }
    }

    fn dripping(body: Vec<u8>) -> Self {
        let pieces = body.chunks(DRIP.0).map(Bytes::copy_from_slice).collect();
        Self { pieces, pause: Some(DRIP.1), ..Self::whole(Vec::new()) }
    }

    fn endless(body: Vec<u8>) -> Self {
        Self { pause: Some(DRIP.1), endless: true, ..Self::whole(body) }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(sleep) = &mut self.waiting {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        let blank = self.endless.then(|| Bytes::from_static(b" "));
        match self.pieces.pop_front().or(blank) {
            Some(piece) => {
                self.waiting = self.pause.map(|pause| Box::pin(tokio::time::sleep(pause)));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None if self.cut => Poll::Ready(Some(Err(io::Error::other("cut on request")))),
            None => Poll::Ready(None),
        }
    }
}
