//! AWS Signature Version 4, and where AWS credentials come from: environment, shared configuration, web identity (IRSA), the
//! endpoint of a container, the metadata of a machine, and a role that is assumed with them.

use crate::sync::lock;
use bytes::Bytes;
use reqsign_aws_v4::{AssumeRoleCredentialProvider, Credential, DefaultCredentialProvider, RequestSigner};
use reqsign_core::hash::hex_sha256;
use reqsign_core::{Context, Error, FileRead, HttpSend, OsEnv, Result, Signer};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serin_core::analysis::provider::SigV4;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use url::Url;

/// How long a service that gives credentials may take.
const CREDENTIALS: Duration = Duration::from_secs(10);

/// Who signs, by what a template says. Credentials are kept until they expire.
#[derive(Default)]
pub(super) struct Signers(Mutex<BTreeMap<[String; 4], Signer<Credential>>>);

impl Signers {
    /// Who signs for a template. Services of AWS are asked with `client`, the machine's own metadata with `direct`, which has
    /// no proxy.
    ///
    /// # Errors
    /// If no region is configured.
    pub(super) fn of(
        &self,
        sigv4: &SigV4,
        client: &Client,
        direct: &Client,
    ) -> std::result::Result<Signer<Credential>, String> {
        if sigv4.region.is_empty() {
            return Err("region not configured in sigv4 or in default credentials chain".to_owned());
        }
        let key = [&sigv4.service, &sigv4.region, &sigv4.profile, &sigv4.role_arn].map(Clone::clone);
        let mut signers = lock(&self.0);
        let signer = signers.entry(key).or_insert_with(|| signer(sigv4, client, direct));
        Ok(signer.clone())
    }
}

fn signer(sigv4: &SigV4, client: &Client, direct: &Client) -> Signer<Credential> {
    let around = Context::new()
        .with_file_read(Files)
        .with_env(OsEnv)
        .with_http_send(Web {
            client: client.clone(),
            direct: direct.clone(),
        });
    let mut own = DefaultCredentialProvider::builder();
    if !sigv4.profile.is_empty() {
        own = own.with_profile(&sigv4.profile);
    }
    let request = RequestSigner::new(&sigv4.service, &sigv4.region);
    if sigv4.role_arn.is_empty() {
        return Signer::new(around, own.build(), request);
    }
    let at_sts = Signer::new(around.clone(), own.build(), RequestSigner::new("sts", &sigv4.region));
    let role = AssumeRoleCredentialProvider::new(sigv4.role_arn.clone(), at_sts)
        .with_region(sigv4.region.clone())
        .with_regional_sts_endpoint();
    Signer::new(around, role, request)
}

/// The headers of a request, with its signature.
///
/// # Errors
/// If there are no credentials.
pub(super) async fn signed(
    signer: &Signer<Credential>,
    method: &Method,
    url: &Url,
    headers: HeaderMap,
    body: &[u8],
) -> std::result::Result<HeaderMap, String> {
    let mut headers = headers;
    headers.remove(AUTHORIZATION);
    let digest = HeaderValue::from_str(&hex_sha256(body)).map_err(|error| error.to_string())?;
    headers.insert(HeaderName::from_static("x-amz-content-sha256"), digest);
    let mut request = http::Request::new(());
    *request.method_mut() = method.clone();
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    *request.headers_mut() = headers;
    let (mut parts, ()) = request.into_parts();
    let done = signer.sign(&mut parts, None).await;
    done.map_err(|error| format!("no AWS credentials: {}", crate::cluster::chain::chain(&error)))?;
    parts.headers.remove("host");
    Ok(parts.headers)
}

/// Files of the container: shared configuration, the token of a service account.
#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        let read = tokio::fs::read(path).await;
        read.map_err(|error| Error::unexpected("failed to read file").with_source(error))
    }
}

/// Services that give credentials.
#[derive(Debug)]
struct Web {
    client: Client,
    direct: Client,
}

impl HttpSend for Web {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let of_machine = |host: &str| host.starts_with("169.254.") || host.starts_with("[fd00:ec2:");
        let client = match request.uri().host() {
            Some(host) if of_machine(host) => &self.direct,
            Some(_) | None => &self.client,
        };
        let failed = |error: reqwest::Error| Error::unexpected("no answer").with_source(error.without_url());
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        *request.timeout_mut() = Some(CREDENTIALS);
        let response = client.execute(request).await.map_err(failed)?;
        let mut answer = http::Response::new(());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        let body = response.bytes().await.map_err(failed)?;
        Ok(answer.map(|()| body))
    }
}
