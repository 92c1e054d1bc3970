//! The procedure, case by case. The simulator in `tests/simulation` looks for the cases that nobody thought of.

mod announcing;
mod cast;
mod coming_back;
mod elections;
mod elsewhere;
mod foundings;
mod hearsay;
mod join_loop;
mod last_look;
mod late_foundings;
mod leaving_together;
mod lost_and_deaf;
mod majorities;
mod moved;
mod named_foundings;
mod needed_by_raft;
mod old_words;
mod out_of_raft;
mod partings;
mod revivals;
mod starting;
mod stopping;
mod taken_out;
mod unheard;
mod watching;
mod who_goes;
