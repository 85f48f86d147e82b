//! Keys that count for a while and then expire.

use crate::store::key::Key;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// A set whose members stay for a fixed time. Each costs the same, however many there are.
#[derive(Debug)]
pub(crate) struct Expiry {
    stay: Duration,
    since: HashMap<Key, Instant>,
    /// Oldest first; a key that was inserted again, or removed, stands here for nothing.
    order: VecDeque<(Instant, Key)>,
}

impl Expiry {
    /// Members stay for so long.
    #[must_use]
    pub(crate) fn new(stay: Duration) -> Self {
        Self {
            stay,
            since: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// From now on it counts for the whole time. What is over is held until it is taken out.
    pub(crate) fn insert(&mut self, key: Key) {
        let now = Instant::now();
        self.order.push_back((now, key.clone()));
        self.since.insert(key, now);
    }

    /// It counts no longer.
    pub(crate) fn remove(&mut self, key: &Key) {
        self.since.remove(key);
    }

    /// Whether it counts.
    #[must_use]
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.since.get(key).is_some_and(|since| since.elapsed() < self.stay)
    }

    /// Takes out one whose time is over.
    pub(crate) fn pop_over(&mut self) -> Option<Key> {
        loop {
            let (inserted, _) = self.order.front().filter(|(at, _)| at.elapsed() >= self.stay)?;
            let inserted = *inserted;
            let (_, key) = self.order.pop_front()?;
            if self.since.get(&key) == Some(&inserted) {
                self.since.remove(&key);
                return Some(key);
            }
        }
    }

    /// Takes out all whose time is over.
    pub(crate) fn drop_over(&mut self) {
        while self.pop_over().is_some() {}
    }

    /// How many entries it holds, over or not.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.since.len().max(self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("n", name)
    }

    const STAY: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_key_counts_for_its_time_and_is_then_forgotten() {
        let mut expiry = Expiry::new(STAY);
        expiry.insert(key("a"));
        tokio::time::advance(Duration::from_secs(3)).await;
        expiry.insert(key("a"));
        expiry.insert(key("b"));
        expiry.remove(&key("b"));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!([expiry.contains(&key("a")), expiry.contains(&key("b"))], [true, false]);
        assert_eq!(expiry.pop_over(), None, "it was inserted again");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!expiry.contains(&key("a")));
        assert_eq!([expiry.pop_over(), expiry.pop_over()], [Some(key("a")), None]);
        assert_eq!(expiry.len(), 0);
        for number in 0..100 {
            expiry.drop_over();
            expiry.insert(key(&number.to_string()));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(expiry.len(), 5);
    }
}
