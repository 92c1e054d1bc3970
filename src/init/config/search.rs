//! Where dkron looks for its configuration file. Pure: whoever asks says which files there are.

use std::path::{Path, PathBuf};

use super::format::EXTENSIONS;

/// Name without its end.
const NAME: &str = "dkron";

/// Where dkron looks first, and where it looks for plugins if it finds no file.
pub const DIRECTORY: &str = "/etc/dkron";

/// The file that dkron finds by itself: `home` is the variable `HOME`, `is_file` tells whether something other than a
/// directory lies at a path.
pub fn search(home: Option<&str>, is_file: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let home = [home.unwrap_or_default(), "/.dkron"].concat();
    [DIRECTORY, &home, "config"].iter().find_map(|directory| {
        let files = EXTENSIONS.iter().map(|extension| Path::new(directory).join(NAME).with_extension(extension));
        files.into_iter().find(|file| is_file(file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_go_before_ends_of_names() {
        let table: [(&[&str], Option<&str>); 7] = [
            (&[], None),
            (&["config/dkron.ini"], Some("config/dkron.ini")),
            (&["config/dkron.json", "/home/d/.dkron/dkron.env"], Some("/home/d/.dkron/dkron.env")),
            (&["/home/d/.dkron/dkron.json", "/etc/dkron/dkron.hcl"], Some("/etc/dkron/dkron.hcl")),
            (&["/etc/dkron/dkron.yml", "/etc/dkron/dkron.yaml"], Some("/etc/dkron/dkron.yaml")),
            (&["/etc/dkron/dkron.yaml", "/etc/dkron/dkron.json"], Some("/etc/dkron/dkron.json")),
            (&["/etc/dkron/dkron", "dkron.yml", "/etc/dkron.yml", "/etc/dkron/dkron.YML"], None),
        ];
        for (there, expected) in table {
            let found = search(Some("/home/d"), |path| there.iter().any(|file| Path::new(file) == path));
            assert_eq!(found.as_deref(), expected.map(Path::new), "{there:?}");
        }
        assert_eq!(search(None, |path| path == Path::new("/.dkron/dkron.yml")), Some("/.dkron/dkron.yml".into()));
    }
}
