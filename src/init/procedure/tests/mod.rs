//! The procedure, case by case. The simulator in `tests/simulation` looks for the cases that nobody thought of.

mod cast;
mod coming_back;
mod elsewhere;
mod foundings;
mod hearsay;
mod last_look;
mod leaving_together;
mod majorities;
mod old_words;
mod starting;
mod stopping;
mod taken_out;
mod watching;
