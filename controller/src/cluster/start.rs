//! Questions to the API server that the start of the controller depends on.

use crate::cluster::CALL_TIMEOUT;
use crate::cluster::chain::chain;
use std::time::Duration;
use tokio::time::timeout;

/// How often the API server is asked before the start fails: it, and the Role, may come a moment after the controller.
const TRIES: u32 = 10;
/// The wait between two of them.
const BETWEEN: Duration = Duration::from_secs(2);

/// Asks until there is an answer. `subject` is what is asked for, `advice` what to do where the API server refuses.
///
/// # Errors
/// The cause of the last failure, and the advice.
pub(crate) async fn ask<T, F>(subject: &str, advice: &str, question: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = kube::Result<T>>,
{
    let mut tries = 1;
    loop {
        let cause = match timeout(CALL_TIMEOUT, question()).await {
            Ok(Ok(found)) => return Ok(found),
            // The Role may have been made a moment ago.
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => format!("{}; {advice}", status.message),
            Ok(Err(kube::Error::Api(status))) => status.message,
            Ok(Err(error)) => chain(&error),
            Err(_) => format!("no answer within {} s", CALL_TIMEOUT.as_secs()),
        };
        if tries == TRIES {
            return Err(cause);
        }
        tries += 1;
        tracing::warn!(cause, "{subject} cannot be read; trying it again");
        tokio::time::sleep(BETWEEN).await;
    }
}
