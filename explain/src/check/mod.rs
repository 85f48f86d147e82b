//! `serin check`: what it prints, what it leaves out, and what a change does.
