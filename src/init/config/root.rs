//! A file that was read: its values, and where its root begins.

use super::values::Values;

/// What was read of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What it says.
    pub values: Values,
    /// Where another key can be put.
    pub root: Root,
}

/// Where another key can be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// YAML: a line before the one that begins at `at`, with so many blanks before it.
    Block {
        /// Offset in bytes.
        at: usize,
        /// Blanks.
        indent: usize,
    },
    /// YAML or JSON: behind the brace that ends at `at`.
    Flow {
        /// Offset in bytes.
        at: usize,
        /// There is no other key.
        empty: bool,
    },
    /// TOML: at the beginning.
    Top,
    /// YAML: nothing but comments; at the end.
    Empty,
    /// Nowhere, for this reason.
    Other(&'static str),
}
