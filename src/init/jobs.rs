//! What an agent is busy with. Its dkron tells nobody, so it is seen from outside:
//!
//! - shell jobs are processes below dkron's plugins, whoever still listens for their result;
//! - the server that gave a job keeps its connection to dkron's gRPC port for as long as the job runs;
//! - a job of another executor, such as `http`, has a connection of the plugin's own.

use std::fs;

use rustix::process::Pid;

use super::relatives;

/// The tables of the network namespace.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// States of a connection that comes about or is used.
const ESTABLISHED: &str = "01";
const SYN_SENT: &str = "02";

/// A connection as the kernel lists it.
#[derive(Debug, PartialEq, Eq)]
struct Connection {
    /// Its port here.
    port: u16,
    /// It is established, rather than about to be.
    established: bool,
    inode: u64,
}

/// Number of jobs that run on this dkron, whose gRPC listens at `port`; where several signs tell of one job it counts once.
pub fn running(dkron: Pid, port: u16) -> usize {
    let (plugins, below) = relatives::plugins_of(dkron);
    let mut tables = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok()).peekable();
    // Who cannot see whether a job runs takes it that one does.
    let blind = usize::from(tables.peek().is_none());
    let tables = tables.collect::<String>();
    let connections = connections(&tables);
    let sockets: Vec<u64> = plugins.iter().flat_map(|plugin| sockets_of(*plugin)).collect();
    let given = connections.iter().filter(|connection| connection.established && connection.port == port).count();
    let kept = connections.iter().filter(|connection| sockets.contains(&connection.inode)).count();
    given.max(below).max(kept).max(blind)
}

/// Reads a table: `SLOT: LOCAL:PORT REMOTE:PORT STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE …`, numbers in hexadecimal but the
/// last three.
fn connections(table: &str) -> Vec<Connection> {
    let read = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let port = words.next()?.rsplit_once(':')?.1;
        let state = words.nth(1)?;
        let inode = words.nth(5)?.parse().ok()?;
        let wanted = [ESTABLISHED, SYN_SENT].contains(&state);
        let port = u16::from_str_radix(port, 16).ok()?;
        wanted.then_some(Connection { port, established: state == ESTABLISHED, inode })
    };
    table.lines().filter_map(read).collect()
}

/// The sockets of a process; none where it is another user's.
fn sockets_of(process: Pid) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", process.as_raw_pid())) else { return Vec::new() };
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_read_as_the_kernel_lists_them() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0B004D0A:1AD4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1810596 1 0 100 0 0 10 0\n  \
             23: 0B004D0A:1AD4 0B004D0A:D132 01 00000000:00000000 02:000AFB1A 00000000  1000        0 1810597 2 0 20 4 24 16 -1\n  \
             24: 0000000000000000FFFF00000B004D0A:D132 0000000000000000FFFF00000B004D0A:1AD4 02 0:0 02:0 0     0        0 7 2 0\n";
        let found = connections(table);
        let expected = [
            Connection { port: 6868, established: true, inode: 1_810_597 },
            Connection { port: 0xd132, established: false, inode: 7 },
        ];
        assert_eq!(found, expected);
        assert!(connections("1: nonsense\n\n2: 0:zz 0:0 01 0 0 0 0 0 0").is_empty());
    }

    #[test]
    fn the_own_connections_are_found_by_their_sockets() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let _client = std::net::TcpStream::connect(address).expect("a connection");
        let _server = listener.accept().expect("the other end");
        let table = fs::read_to_string(TABLES[0]).expect("the table");
        let own = sockets_of(rustix::process::getpid());
        let ours = |connection: &&Connection| own.contains(&connection.inode) && connection.port == address.port();
        assert_eq!(connections(&table).iter().filter(ours).count(), 1);
    }
}
