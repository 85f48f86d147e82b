//! YAML as written: a tree of nodes, each with its place in the file.
