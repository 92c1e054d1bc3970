//! A JSON document that is read, patched and written again without losing what nobody asked about.
//!
//! [`Node`] borrows from the text it was read from. A [`Shape`] says which parts are taken apart; everything else stays
//! the author's own text, so unknown fields and the text of numbers survive, and a large object costs one scan.

mod depth;
mod node;
mod patch;
mod pointer;
mod shape;

pub use depth::{MAX_DEPTH, too_deep};
pub use node::{Node, ParseError, quoted};
pub use patch::{ApplyError, Operation, Patch};
pub use pointer::Pointer;
pub use shape::Shape;
