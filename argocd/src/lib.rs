//! Serin's part that knows Argo CD: its settings, and how the hooks get into them.
