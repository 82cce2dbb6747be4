//! A small HTTPS server with its own certificate authority, which answers from a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The hostname that the tests call.
pub const HOST: &str = "api-00000000.duosecurity.com";

/// A certificate authority and the file that holds its certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub file: tempfile::NamedTempFile,
}

impl Authority {
    pub fn new() -> Self {
        Self::named("Authority of the tests")
    }

    pub fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A server's TLS for a name and a span of years.
    pub fn leaf(&self, name: &str, from: i32, until: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// What the server does with one request.
pub enum Act {
    /// A whole reply: status, content type, body.
    Answer(u16, &'static str, &'static str),
    /// These bytes and then a clean end of the connection.
    Bytes(Vec<u8>),
    /// A whole JSON reply, after which the connection is silently dead: what comes on it next is dropped.
    Last(&'static str),
    /// A TCP reset instead of a reply.
    Reset,
    /// The head of a reply, followed by one byte after each period, without end.
    Drip(Duration),
    /// A reply in chunks, without end.
    Flood,
}

/// A JSON reply.
pub fn json(status: u16, body: &'static str) -> Act {
    Act::Answer(status, "application/json", body)
}

/// One request as received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The name that the client indicated in TLS.
    pub server_name: Option<String>,
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub received: Arc<Mutex<Vec<Received>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server that performs the acts in order, one for each request.
    pub async fn start(tls: ServerConfig, acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<VecDeque<_>>()));
        let (received, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let server = Self { address, received: Arc::clone(&received), connections: Arc::clone(&connections) };
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connection(acceptor.clone(), stream, Arc::clone(&acts), Arc::clone(&received)));
            }
        });
        server
    }

    pub fn requests(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    acts: Arc<Mutex<VecDeque<Act>>>,
    received: Arc<Mutex<Vec<Received>>>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let server_name = stream.get_ref().1.server_name().map(str::to_owned);
    while let Some(request) = read_request(&mut stream, server_name.clone()).await {
        received.lock().unwrap().push(request);
        let act = acts.lock().unwrap().pop_front();
        let written = match act {
            Some(Act::Answer(status, kind, body)) => {
                let length = body.len();
                let reply = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                stream.write_all(reply.as_bytes()).await
            }
            Some(Act::Bytes(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Some(Act::Last(body)) => {
                let length = body.len();
                let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\n";
                let reply = format!("{head}Content-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(reply.as_bytes()).await;
                let _ = stream.flush().await;
                let _ = read_request(&mut stream, None).await;
                return;
            }
            Some(Act::Reset) | None => {
                stream.get_ref().0.set_zero_linger().unwrap();
                return;
            }
            Some(Act::Drip(every)) => {
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{";
                let mut written = stream.write_all(head.as_bytes()).await;
                while written.is_ok() {
                    tokio::time::sleep(every).await;
                    written = async { stream.write_all(b" ").await.and(stream.flush().await) }.await;
                }
                written
            }
            Some(Act::Flood) => {
                let mut written =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                while written.is_ok() {
                    written = stream.write_all(format!("1000\r\n{}\r\n", " ".repeat(4096)).as_bytes()).await;
                }
                written
            }
        };
        if written.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

pub async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    server_name: Option<String>,
) -> Option<Received> {
    let head = read_head(stream).await?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { server_name, line, headers, body })
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Accepts connections, gives each these bytes, and leaves it open.
pub async fn speak_first(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 5];
            let _ = stream.read_exact(&mut hello).await;
            let _ = stream.write_all(&bytes).await;
            open.push(stream);
        }
    });
    address
}

/// What a proxy does with a CONNECT.
#[derive(Clone, Copy)]
pub enum Proxying {
    Refuse(&'static str),
    /// Connect to this address, whatever was requested.
    Tunnel(SocketAddr),
}

/// An HTTP proxy, and the first lines of its requests.
pub async fn proxy(proxying: Proxying) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(proxied(stream, proxying, Arc::clone(&seen)));
        }
    });
    (address, lines)
}

async fn proxied(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    proxying: Proxying,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let Some(head) = read_head(&mut stream).await else { return };
    seen.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
    match proxying {
        Proxying::Refuse(status) => {
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await;
        }
        Proxying::Tunnel(target) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            if let Ok(mut target) = TcpStream::connect(target).await {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
            }
        }
    }
}
