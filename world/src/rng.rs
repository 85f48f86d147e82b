//! Chance that can be repeated: SplitMix64.

/// A source of numbers that depends on nothing but its seed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `most`, both included.
    pub fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.next() % (u64::try_from(most).unwrap_or(0) + 1)).expect("at most an i64")
    }

    /// One time in `n`.
    pub fn one_in(&mut self, n: i64) -> bool {
        self.up_to(n - 1) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let last = i64::try_from(of.len()).expect("a slice in memory") - 1;
        &of[usize::try_from(self.up_to(last)).expect("0 to the last index")]
    }
}
