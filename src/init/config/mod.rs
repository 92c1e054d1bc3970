//! dkron's configuration file: where it is, what it says, and a copy of it that says one thing more.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `search` | where dkron looks for its file | no |
//! | `user_file` | the file that dkron reads, found and read | files |
//! | `values` | what a file says, as far as it is read | no |
//! | `format` | YAML, JSON, TOML or another | no |
//! | `root` | what was read, and where another key can be put | no |
//! | `yaml`, `json`, `toml` | readers of the top level | no |
//! | `flow` | what the three share: quotes, brackets, commas | no |
//! | `merge` | one key more | no |
//! | `merged_file` | the copy, and the way from it to the plugins | files |

mod flow;
mod format;
mod json;
mod merge;
mod merged_file;
mod root;
mod search;
mod toml;
mod user_file;
mod values;
mod yaml;

pub use format::Format;
pub use merge::{INTERVAL, KEY, Merged, merge};
pub use merged_file::{NoCopy, write};
pub use user_file::{Content, UserFile};
pub use values::{Value, Values};
