//! The causes: one file each, all of one shape.
