//! How much of a provider is asked at once: a slow or overloaded server holds back the requests to it, and no others.

use crate::cluster::budget::Budget;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

/// Requests to a host that are under way at once.
const AT_ONCE: usize = 64;
/// Requests to a host in a second.
const IN_A_SECOND: u32 = 2_000;
/// Hosts that are remembered although nobody asks them.
const REMEMBERED: usize = 256;

/// The hosts that are asked.
#[derive(Default)]
pub(super) struct Hosts(Mutex<BTreeMap<String, Arc<Host>>>);

/// A host and its limits.
pub(super) struct Host {
    places: Semaphore,
    rate: Budget,
}

impl Hosts {
    /// The host of an address, by name and port.
    pub(super) fn of(&self, url: &Url) -> Arc<Host> {
        let mut hosts = lock(&self.0);
        if hosts.len() > REMEMBERED {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let host = || {
            Arc::new(Host {
                places: Semaphore::new(AT_ONCE),
                rate: Budget::new(f64::from(IN_A_SECOND), IN_A_SECOND),
            })
        };
        Arc::clone(hosts.entry(url.origin().ascii_serialization()).or_insert_with(host))
    }
}

impl Host {
    /// Waits until a request may be sent. It is under way until the place is dropped.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.rate.take().await;
        // The semaphore is never closed.
        self.places.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_slow_host_holds_back_nobody_else() {
        let hosts = Hosts::default();
        let of = |url: &str| hosts.of(&Url::parse(url).unwrap());
        let slow = of("http://slow:80/a?b");
        let mut under_way = Vec::new();
        for _ in 0..AT_ONCE {
            under_way.push(slow.enter().await);
        }
        let again = of("http://slow/other");
        let waited = tokio::time::timeout(Duration::from_secs(60), again.enter());
        assert!(waited.await.is_err());
        let start = Instant::now();
        assert!(of("http://slow:81/").enter().await.is_some());
        assert_eq!(start.elapsed(), Duration::ZERO);
        under_way.pop();
        assert!(again.enter().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_beyond_the_rate_wait() {
        let hosts = Hosts::default();
        let host = hosts.of(&Url::parse("http://a/").unwrap());
        let start = Instant::now();
        for _ in 0..IN_A_SECOND + 100 {
            drop(host.enter().await);
        }
        // The clock of the runtime counts whole milliseconds.
        let waited = start.elapsed().as_millis();
        assert!((50..=200).contains(&waited), "{waited}");
    }

    #[test]
    fn hosts_that_nobody_asks_are_forgotten() {
        let hosts = Hosts::default();
        let kept = hosts.of(&Url::parse("http://kept/").unwrap());
        for number in 0..REMEMBERED * 4 {
            hosts.of(&Url::parse(&format!("http://h{number}/")).unwrap());
        }
        assert!(lock(&hosts.0).len() <= REMEMBERED + 1);
        assert!(Arc::ptr_eq(&kept, &hosts.of(&Url::parse("http://kept/").unwrap())));
    }
}
