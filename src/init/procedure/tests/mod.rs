//! The procedure, case by case. The simulator in `tests/simulation` looks for the cases that nobody thought of.

mod cast;
mod starting;
mod stopping;
mod watching;
