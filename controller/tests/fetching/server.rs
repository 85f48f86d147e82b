//! A server that answers what a test wants, with or without TLS, and remembers what it was asked; and measurements of it.

use futures::FutureExt;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use serin_controller::fetch::{Ask, Fetch, Measured, surroundings};
use serin_controller::{Gate, Turn};
use serin_core::analysis::provider::{Expressions, Run, Secret, Step};
use serin_core::api::analysis_template::Metric;
use serin_expr::Value;
use serin_sandbox::ApiServer;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// What comes back for a request, byte for byte; empty cuts the connection.
type Respond = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A server on loopback.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::with(Arc::new(respond), None).await
    }

    /// The same answer to everything.
    pub(crate) async fn always(answer: Vec<u8>) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    pub(crate) async fn with_tls(answer: Vec<u8>, config: ServerConfig) -> Self {
        let tls = TlsAcceptor::from(Arc::new(config));
        Self::with(Arc::new(move |_: &str| answer.clone()), Some(tls)).await
    }

    async fn with(respond: Respond, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (respond, tls, seen) = (Arc::clone(&respond), tls.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &respond, &seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &respond, &seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    /// The requests so far: head and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, respond: &Respond, asked: &Mutex<Vec<String>>) {
    let mut stream = stream;
    let mut read = Vec::new();
    loop {
        while !is_whole(&read) {
            let mut part = [0; 4096];
            match stream.read(&mut part).await {
                Ok(bytes) if bytes > 0 => read.extend_from_slice(&part[..bytes]),
                _ => return,
            }
        }
        let request = String::from_utf8_lossy(&read).into_owned();
        read.clear();
        let answer = respond(&request);
        asked.lock().unwrap().push(request);
        if answer.is_empty() {
            return;
        }
        if answer == NEVER.as_bytes() {
            std::future::pending::<()>().await;
        }
        if stream.write_all(&answer).await.is_err() {
            return;
        }
        if answer.ends_with(ENDLESS.as_bytes()) {
            while stream.write_all(&[b' '; 65536]).await.is_ok() {}
            return;
        }
    }
}

/// A request has its head, and a body of the length that the head tells.
fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0_usize)
}

/// An answer that never comes.
pub(crate) const NEVER: &str = "never";
/// The end of an answer that has no end.
pub(crate) const ENDLESS: &str = "on and on:";

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    answer(200, "", body)
}

pub(crate) fn redirect(to: &str) -> Vec<u8> {
    answer(302, &format!("Location: {to}\r\n"), "")
}

/// A certificate authority of a test, and a certificate of it for 127.0.0.1.
pub(crate) struct Authority {
    pub(crate) root: CertificateDer<'static>,
    pub(crate) pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let of_server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = of_server.signed_by(&own, &issuer).unwrap();
        Self {
            root: root.der().clone(),
            pem: root.pem(),
            certificate: certificate.der().clone(),
            key: own.serialize_der(),
        }
    }

    /// How a server with the certificate speaks TLS; it may want one of this authority from clients, too.
    pub(crate) fn server(&self, wants_certificate: bool) -> ServerConfig {
        serin_controller::install_tls();
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
        let builder = ServerConfig::builder();
        let builder = if wants_certificate {
            builder.with_client_cert_verifier(clients)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        builder.with_single_cert(vec![self.certificate.clone()], key).unwrap()
    }
}

/// Every value is good.
pub(crate) struct Good;

impl Expressions for Good {
    fn judge(&self, _: &Metric, _: &Value, _: Timestamp) -> Result<String, String> {
        Ok("Successful".to_owned())
    }

    fn time(&self, _: &str, now: Timestamp) -> Result<Timestamp, String> {
        Ok(now)
    }
}

pub(crate) fn run() -> Run {
    Run {
        name: "run".into(),
        namespace: "default".into(),
        uid: "0f8c1b9e-61c7-4b1b-8f4e-3a5d7c9e1f2a".into(),
        started_at: None,
    }
}

/// A metric with the provider that JSON has.
pub(crate) fn metric(provider: &serde_json::Value) -> Metric {
    serde_json::from_value(json!({"name": "m", "provider": provider})).unwrap()
}

/// Takes measurements, in a cluster that has nothing.
pub(crate) fn fetch(api: &ApiServer) -> Fetch {
    Fetch::new(
        api.client(),
        "argo-rollouts",
        Arc::new(Timestamp::now),
        surroundings(|_| None),
    )
}

/// Takes one measurement; the values of Secrets among its arguments are given.
pub(crate) async fn measured(provider: serde_json::Value, hidden: &[&str]) -> Measured {
    let hidden: Vec<Secret> = hidden.iter().map(|value| Secret::from(*value)).collect();
    let (run, metric) = (run(), metric(&provider));
    let ask = Ask {
        run: &run,
        stable: None,
        metric: &metric,
        step: Step::Run { number: 1 },
        hidden: &hidden,
        expressions: &Good,
        may_write: &leads(),
        turn: &at_once(),
    };
    fetch(&ApiServer::new()).measure(&ask).await
}

/// The message of a measurement that is an error.
pub(crate) async fn error(provider: serde_json::Value) -> String {
    let measurement = measured(provider, &[]).await.measurement;
    assert_eq!(measurement.phase, "Error", "{measurement:?}");
    assert!(measurement.finished_at.is_some() && measurement.value.is_empty());
    measurement.message
}

/// Longer than any test may take.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// No call waits.
pub(crate) fn at_once() -> Turn {
    Arc::new(|| std::future::ready(()).boxed())
}

/// The gate of a process that leads.
pub(crate) fn leads() -> Gate {
    Arc::new(|| true)
}
