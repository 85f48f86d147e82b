//! The rules of `serin check`: one file each, all of one shape.
