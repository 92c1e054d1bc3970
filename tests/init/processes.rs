//! Other processes, as `/proc` shows them.

use std::fs;

use rustix::process::Pid;

/// Number and state (`R`, `S`, `Z`…) of every child of `parent`.
pub fn children(parent: Pid) -> Vec<(Pid, char)> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?.chars().next()?;
        let of = fields.next()?.parse::<i32>().ok()?;
        (of == parent.as_raw_pid()).then_some((Pid::from_raw(pid)?, state))
    })
    .collect()
}

/// Everything below `parent`.
pub fn descendants(parent: Pid) -> Vec<Pid> {
    let children = children(parent).into_iter().map(|(pid, _)| pid);
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
