//! What a candidate knows of the lease: pure, with the time handed in.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use std::time::Duration;
use tokio::time::Instant;

/// The lease as it was last seen, and since when.
#[derive(Debug, Default)]
pub(super) struct Record {
    seen: Option<(Lease, Instant)>,
}

impl Record {
    /// Notes what a read, a write or the watch returned. Only a change restarts the clock: expiry is measured from the
    /// local moment the record was last seen to change, so that no clock but our own counts.
    pub(super) fn see(&mut self, lease: Lease, now: Instant) {
        let since = match &self.seen {
            Some((old, since)) if old.spec == lease.spec => *since,
            Some(_) | None => now,
        };
        self.seen = Some((lease, since));
    }

    /// There is none.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// The lease as it was last seen.
    pub(super) fn lease(&self) -> Option<&Lease> {
        self.seen.as_ref().map(|(lease, _)| lease)
    }

    /// Who holds it; empty if nobody does.
    pub(super) fn holder(&self) -> &str {
        let spec = self.lease().and_then(|lease| lease.spec.as_ref());
        spec.and_then(|spec| spec.holder_identity.as_deref())
            .unwrap_or_default()
    }

    /// When another than the holder may take it; now or earlier if nobody holds it. `ours` is how long a lease lasts
    /// whose record does not say.
    pub(super) fn free_at(&self, ours: Duration) -> Option<Instant> {
        let (lease, since) = self.seen.as_ref()?;
        if self.holder().is_empty() {
            return Some(*since);
        }
        let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let lasts = seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(ours, Duration::from_secs);
        Some(*since + lasts)
    }

    /// The record by which `identity` takes or renews the lease.
    pub(super) fn claim(&self, name: &str, identity: &str, lasts: Duration, now: Timestamp) -> Lease {
        let mut lease = self.lease().cloned().unwrap_or_default();
        let mut spec = lease.spec.take().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(identity) {
            spec.acquire_time = Some(MicroTime(now));
            let first = self.seen.is_none();
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + i32::from(!first));
        }
        spec.holder_identity = Some(identity.to_owned());
        spec.lease_duration_seconds = Some(whole_seconds(lasts));
        spec.renew_time = Some(MicroTime(now));
        if self.seen.is_none() {
            lease.metadata = ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            };
        }
        lease.metadata.managed_fields = None;
        lease.spec = Some(spec);
        lease
    }

    /// The record by which the holder gives the lease back: the next one need not wait.
    pub(super) fn release(&self, now: Timestamp) -> Option<Lease> {
        let mut lease = self.lease()?.clone();
        let before = lease.spec.take().unwrap_or_default();
        lease.metadata.managed_fields = None;
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(now)),
            acquire_time: Some(MicroTime(now)),
            ..before
        });
        Some(lease)
    }
}

fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs().max(1)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const LASTS: Duration = Duration::from_secs(15);

    fn claim(record: &Record, identity: &str) -> Lease {
        record.claim("lock", identity, LASTS, Timestamp::UNIX_EPOCH)
    }

    #[tokio::test(start_paused = true)]
    async fn it_expires_by_our_clock_from_the_last_change_seen() {
        let mut record = Record::default();
        assert_eq!(record.free_at(LASTS), None);
        let start = Instant::now();
        // Its own times are those of a machine whose clock is decades behind.
        let lease = claim(&record, "a");
        record.see(lease.clone(), start);
        assert_eq!(record.free_at(LASTS), Some(start + LASTS));
        record.see(lease.clone(), start + Duration::from_secs(9));
        assert_eq!(record.free_at(LASTS), Some(start + LASTS), "seen again is no change");
        let mut renewed = lease;
        renewed.spec.as_mut().unwrap().renew_time = Some(MicroTime(Timestamp::MAX));
        record.see(renewed, start + Duration::from_secs(9));
        assert_eq!(record.free_at(LASTS), Some(start + Duration::from_secs(24)));
    }

    #[tokio::test(start_paused = true)]
    async fn transitions_count_changes_of_hand_and_a_released_lease_is_free() {
        let (mut record, now) = (Record::default(), Instant::now());
        let transitions = |lease: &Lease| lease.spec.as_ref().unwrap().lease_transitions;
        let lease = claim(&record, "a");
        assert_eq!(transitions(&lease), Some(0));
        record.see(lease, now);
        assert_eq!(transitions(&claim(&record, "a")), Some(0));
        assert_eq!(transitions(&claim(&record, "b")), Some(1));
        record.see(record.release(Timestamp::UNIX_EPOCH).unwrap(), now);
        assert_eq!((record.holder(), record.free_at(LASTS)), ("", Some(now)));
        assert_eq!(transitions(&claim(&record, "b")), Some(1));
    }
}
