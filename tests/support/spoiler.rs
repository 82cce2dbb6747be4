//! A server in front of the simulator's account that changes its replies.
#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::message::{RawReply, RawRequest};
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::wire_server::{Authority, read_request};
use super::{Call, Folder, Server};

/// The change to a reply.
type Spoil = dyn Fn(&RawRequest, &mut RawReply) + Send + Sync;

/// A server in front of the simulator's account, with its own certificate.
pub struct Spoiler {
    authority: Authority,
    address: SocketAddr,
    pub server: Server,
    _runtime: Runtime,
}

/// Whether a connection stays open after an answer, or is silently dead.
#[derive(Clone, Copy, PartialEq)]
pub enum Keep {
    Alive,
    Dead,
}

impl Spoiler {
    pub fn start(
        server: Server,
        keep: Keep,
        spoil: impl Fn(&RawRequest, &mut RawReply) + Send + Sync + 'static,
    ) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = Authority::new();
        let acceptor =
            TlsAcceptor::from(Arc::new(authority.leaf(&server.running().api_hostname(), 2020, 2099)));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (account, spoil) = (server.running().shared(), Arc::new(spoil));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (account, spoil) = (Arc::clone(&account), Arc::clone(&spoil));
                tokio::spawn(connection(acceptor.clone(), stream, account, keep, spoil));
            }
        });
        Self { authority, address, server, _runtime: runtime }
    }

    /// Replaces the replies to one path with altered JSON.
    pub fn of_json(
        server: Server,
        path: &'static str,
        spoil: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self::start(server, Keep::Alive, move |request, reply| {
            if request.path() == path {
                let mut envelope = serde_json::from_slice(&reply.body).unwrap();
                spoil(&mut envelope);
                reply.body = envelope.to_string().into_bytes();
            }
        })
    }

    pub fn call(&self, folder: &Folder, arguments: &[&str]) -> Call {
        let key = self.server.key("operator");
        let call = folder.duoctl(arguments).env("DUO_IKEY", &key.integration_key);
        let call = call.env("DUO_SKEY", key.secret_key.expose()).env("DUOCTL_SIMULATOR_BACKOFF_MS", "1");
        call.env("DUOCTL_CONNECT_TO", self.address.to_string())
            .env("DUOCTL_CA_FILE", self.authority.file.path())
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    account: Arc<Mutex<Account>>,
    keep: Keep,
    spoil: Arc<Spoil>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    while let Some(received) = read_request(&mut stream, None).await {
        let mut line = received.line.split(' ');
        let (method, target) = (line.next().unwrap(), line.next().unwrap());
        let request = RawRequest::new(method, target, received.headers, received.body);
        let mut reply = account.lock().unwrap().handle(&request, Timestamp::now().as_second());
        spoil(&request, &mut reply);
        let mut bytes = format!("HTTP/1.1 {} X\r\n", reply.status);
        for (name, value) in reply.headers.iter().filter(|(name, _)| *name != "Content-Length") {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
        let bytes = [bytes.as_bytes(), &reply.body].concat();
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if keep == Keep::Dead {
            let _ = read_request(&mut stream, None).await;
            return;
        }
    }
}
