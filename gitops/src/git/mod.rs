//! Reading a Git repository: commits and the files in them. There is no function that writes.
