//! Signed calls over HTTP.

use super::{Answered, Calls, Surroundings};
use crate::fetch::{Hidden, Http};
use futures::FutureExt;
use futures::future::BoxFuture;
use serin_core::analysis::provider::{Auth, Request, Secret, SigV4};
use std::time::Duration;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Calls with the credentials of this process: environment, web identity, and the others that AWS knows.
pub struct SignedCalls {
    http: Http,
    surroundings: Surroundings,
}

impl SignedCalls {
    /// Calls to the region, or the endpoint, of an environment.
    #[must_use]
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            http: Http::default(),
            surroundings,
        }
    }

    fn url(&self) -> String {
        let Surroundings { region, endpoint } = &self.surroundings;
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        if endpoint.is_empty() {
            format!("https://elasticloadbalancing.{region}.{domain}/")
        } else {
            format!("{}/", endpoint.trim_end_matches('/'))
        }
    }
}

impl Calls for SignedCalls {
    fn send(&self, form: String) -> BoxFuture<'_, Answered> {
        async move {
            if self.surroundings.region.is_empty() {
                return Err("no region: set AWS_REGION of the controller".to_owned());
            }
            let content_type = "application/x-www-form-urlencoded; charset=utf-8";
            let request = Request {
                method: "POST".to_owned(),
                url: self.url(),
                headers: vec![("Content-Type".to_owned(), Secret::new(content_type.to_owned()))],
                body: Some(form.into_bytes()),
                timeout: TIMEOUT,
                auth: Auth::SigV4(SigV4 {
                    service: "elasticloadbalancing".to_owned(),
                    region: self.surroundings.region.clone(),
                    ..SigV4::default()
                }),
                insecure: false,
                proxy: true,
                reads: true,
            };
            let hidden = Hidden::default();
            let answer = self.http.send(&request, &hidden).await;
            let answer = answer.map_err(|why| hidden.hide(&why))?;
            Ok((answer.status, answer.body))
        }
        .boxed()
    }
}
