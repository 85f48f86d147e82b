//! How Go writes and reads: the formats that users see, and the messages of its standard library.

pub(crate) mod base64;
pub mod duration;
pub mod format;
pub(crate) mod json;
pub(crate) mod layout;
pub mod number;
pub mod quote;
pub(crate) mod regex;
pub(crate) mod sort;
