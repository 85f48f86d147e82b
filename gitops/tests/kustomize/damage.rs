//! K1 to K29 and D1 to D12.

use super::Test;

pub(crate) const TESTS: &[Test] = &[];
