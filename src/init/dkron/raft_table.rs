//! The words of `dkron raft list-peers` and `dkron raft remove-peer`.

use super::super::procedure::{Configuration, Name, Outcome, Server};

/// Titles of the table's columns.
const TITLES: [&str; 5] = ["Node", "ID", "Address", "State", "Voter"];

/// Reads what `list-peers` ended with: its exit code (128 + n after signal n), standard output, standard error. An empty
/// configuration is a table without rows.
///
/// # Errors
/// What dkron said of its failure; that the output holds no table, or one that is not understood.
pub fn listed(code: u8, stdout: &str, stderr: &str) -> Outcome<Configuration> {
    if code != 0 {
        return Err(why(code, stderr));
    }
    // Version 3 writes its log to standard output too.
    let mut lines = stdout.lines().skip_while(|line| cells(line).ne(TITLES));
    if lines.next().is_none() {
        return Err("dkron printed no table of servers".into());
    }
    let rows = lines.filter(|line| !line.trim().is_empty());
    let mut told = Configuration::default();
    for line in rows {
        let (server, leads) = row(line).ok_or_else(|| Name::from(format!("a row that is not understood: {line}")))?;
        told.leader = told.leader.or_else(|| leads.then(|| server.id.clone()));
        told.servers.push(server);
    }
    Ok(told)
}

/// Reads what `remove-peer` ended with, as [`listed`].
///
/// # Errors
/// What dkron said of its failure. Not a failure: the server is in no configuration any more, and a leader that steps down before it
/// could tell that it removed the server.
pub fn removed(code: u8, stderr: &str) -> Outcome<()> {
    let done = ["was not found in the Raft configuration", "leadership lost while committing log"];
    if code == 0 || done.iter().any(|words| stderr.contains(words)) { Ok(()) } else { Err(why(code, stderr)) }
}

/// Cells are parted by two spaces at least; a name may hold single ones.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty())
}

/// A server, and whether raft of the teller follows it.
fn row(line: &str) -> Option<(Server, bool)> {
    let mut cells = cells(line).skip(1);
    let mut next = || cells.next();
    let (id, address, state, voter) = (next()?, next()?, next()?, next()?);
    let voter = voter.parse().ok()?;
    // A stray log line is no row.
    let (_, port) = address.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    next().is_none().then(|| (Server { id: id.into(), address: address.into(), voter }, state == "leader"))
}

/// cobra's line of the error, or how it ended.
fn why(code: u8, stderr: &str) -> Name {
    match stderr.lines().find_map(|line| line.strip_prefix("Error: ")) {
        Some(words) => words.into(),
        None => format!("dkron ended with code {code}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: &str, address: &str, voter: bool) -> Server {
        Server { id: id.into(), address: address.into(), voter }
    }

    #[test]
    fn the_table_is_read_as_versions_3_and_4_print_it() {
        let table = "Node     ID       Address          State     Voter\n\
                     dkron-2  dkron-2  10.77.9.12:6868  leader    true\n\
                     dkron-0  dkron-0  10.77.9.10:6868  follower  true\n\
                     (unknown)  dkron-1  10.77.9.11:6868  follower  false\n";
        let servers = [
            server("dkron-2", "10.77.9.12:6868", true),
            server("dkron-0", "10.77.9.10:6868", true),
            server("dkron-1", "10.77.9.11:6868", false),
        ];
        let log = "time=\"2026-11-23T18:22:49Z\" level=info msg=\"No valid config found: Applying default values.\"\n";
        let told = Configuration { servers: servers.into(), leader: Some("dkron-2".into()) };
        assert_eq!(listed(0, table, "").as_ref(), Ok(&told));
        assert_eq!(listed(0, &format!("{log}{table}"), log), Ok(told));
        let empty = listed(0, "Node  ID  Address  State  Voter\n", "");
        assert_eq!(empty, Ok(Configuration::default()), "an empty configuration");
        let leaderless = listed(0, &table.replace("leader  ", "follower"), "").expect("a table");
        assert_eq!(leaderless.leader, None);
        let named =
            "Node      ID        Address         State   Voter\nmy node  my node  [fd00::1]:6868  leader  true\n";
        let servers = vec![server("my node", "[fd00::1]:6868", true)];
        assert_eq!(listed(0, named, ""), Ok(Configuration { servers, leader: Some("my node".into()) }));
    }

    #[test]
    fn no_table_is_never_an_empty_configuration() {
        let title = "Node  ID  Address  State  Voter\n";
        let bad = [
            String::new(),
            "Node  ID  Address\n".into(),
            format!("{title}a  a  10.0.0.1:6868  leader\n"),
            format!("{title}a  a  10.0.0.1:6868  leader  yes\n"),
            format!("{title}a  a  10.0.0.1  leader  true\n"),
            format!("{title}a  a  10.0.0.1:6868  leader  true  more\n"),
            format!("{title}level=info\n"),
        ];
        for stdout in bad {
            assert!(listed(0, &stdout, "").is_err(), "{stdout}");
        }
        let error = "time=\"x\" level=error msg=\"grpc: error dialing.\"\nError: context deadline exceeded\nUsage:\n  dkron raft\n";
        assert_eq!(listed(1, title, error), Err("context deadline exceeded".into()));
        assert_eq!(listed(137, title, ""), Err("dkron ended with code 137".into()));
    }

    #[test]
    fn a_server_that_is_gone_already_is_removed() {
        let error =
            |words: &str| format!("level=error msg=x\nError: rpc error: code = Unknown desc = {words}\nUsage:\n");
        assert_eq!(removed(0, "level=info msg=\"Peer removed\"\n"), Ok(()));
        assert_eq!(removed(1, &error("id \"a\" was not found in the Raft configuration")), Ok(()));
        assert_eq!(removed(1, &error("leadership lost while committing log")), Ok(()));
        let failed = removed(1, &error("node is not the leader")).expect_err("a failure");
        assert_eq!(&*failed, "rpc error: code = Unknown desc = node is not the leader");
        assert_eq!(removed(137, ""), Err("dkron ended with code 137".into()));
    }
}
