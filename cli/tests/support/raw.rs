//! A server that answers byte for byte what a test wants, with or without TLS: for what goes wrong below the API.

#![allow(dead_code, reason = "each test binary uses its own part of these")]

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What comes back for the first line of a request; empty closes the connection.
type Respond = dyn Fn(&str) -> String + Send + Sync;

/// A server on loopback.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    pub(crate) async fn start(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::with(Arc::new(respond), None).await
    }

    /// The same answer to everything.
    pub(crate) async fn always(answer: String) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    pub(crate) async fn with_tls(certificate: &Certificate) -> Self {
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.certificate.clone()],
                PrivateKeyDer::try_from(certificate.key.clone()).unwrap(),
            )
            .unwrap();
        let respond = |_: &str| answer(500, "", "never asked");
        Self::with(Arc::new(respond), Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn with(respond: Arc<Respond>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let server = Self {
            port,
            asked: Arc::clone(&asked),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (respond, tls, asked) = (Arc::clone(&respond), tls.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*respond, &asked).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*respond, &asked).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// Method and path of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, respond: &Respond, asked: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            if first.is_empty() {
                first = line;
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let words: Vec<_> = first.split(' ').take(2).collect();
        let request = words.join(" ");
        let answer = respond(&request);
        asked.lock().unwrap().push(request);
        if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
    }
}

/// The port of a server that answers TLS as HTTP servers do.
pub(crate) async fn without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut begin = [0; 16];
            let _ = stream.read(&mut begin).await;
            let _ = stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    port
}

/// An answer with its headers, each ended by `\r\n`.
pub(crate) fn answer(code: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {code} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// A port on which nobody listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A certificate of a server and the authority that signed it.
pub(crate) struct Certificate {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    /// The authority, as PEM.
    pub(crate) authority: String,
}

impl Certificate {
    /// For a name, valid until a year.
    pub(crate) fn new(name: &str, until: i32) -> Self {
        Self::of_authority("an authority", name, until)
    }

    pub(crate) fn of_authority(authority_name: &str, name: &str, until: i32) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, authority_name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        Self {
            certificate: params.signed_by(&key, &issuer).unwrap().der().clone(),
            key: key.serialize_der(),
            authority: signed.pem(),
        }
    }
}
