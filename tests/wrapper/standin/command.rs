//! The subcommands that talk to a running node, and what the command line prints about itself.

use std::process::ExitCode;

use super::address;
use super::flags::{self, Given, Kind};
use super::generation::Generation;
use super::log;
use super::rpc::{self, Failure, Peer, Request};
use super::settings::Settings;

const FLAGS: [(&str, Kind, &str); 3] =
    [("rpc-addr", Kind::Text, ""), ("peer-id", Kind::Text, ""), ("config", Kind::Text, "")];

/// Version 3 reads its configuration whatever it is asked, says on stdout that it found none, and ends when a value is
/// wrong.
fn read_configuration(given: Given) {
    if Generation::from_environment() == Generation::Four {
        return;
    }
    match Settings::read(given) {
        Ok(settings) => settings.say_no_file(),
        Err(why) => configuration_refused(&why),
    }
}

/// How version 3 ends over its configuration.
pub fn configuration_refused(why: &str) -> ! {
    eprintln!("{}", log::line("fatal", "config: Error unmarshalling config", &[("error", why)]));
    std::process::exit(1)
}

/// `dkron version`.
pub fn version(words: &[String]) -> ExitCode {
    match flags::read(words, &FLAGS[2..]) {
        Ok(given) => read_configuration(given),
        Err(why) => return failed(&why, "dkron version [flags]"),
    }
    println!("Name: Dkron\nVersion: {}\nCodename: Devel", Generation::from_environment().version());
    println!("Agent Protocol: 5 (Understands back to: 2)");
    ExitCode::SUCCESS
}

/// `dkron leave`.
pub fn leave(words: &[String]) -> ExitCode {
    let usage = "dkron leave [flags]";
    let known = [&FLAGS[..1], &FLAGS[2..]].concat();
    let given = match flags::read(words, &known) {
        Ok(given) => given,
        Err(why) => return failed(&why, usage),
    };
    let asked = given.text("rpc-addr").map(str::to_owned);
    read_configuration(given);
    match target(asked.as_deref()).and_then(|address| call::<()>("Leave", &address, &Request::Leave)) {
        Ok(()) => {
            if Generation::from_environment() == Generation::Four {
                eprintln!("{}", log::line("info", "Left the cluster successfully", &[]));
            }
            ExitCode::SUCCESS
        }
        Err(why) => failed(&why, usage),
    }
}

/// `dkron raft`.
pub fn raft(words: &[String]) -> ExitCode {
    let given = match flags::read(words, &FLAGS) {
        Ok(given) => given,
        Err(why) => return failed(&why, "dkron raft [command]"),
    };
    let verb = given.words.first().cloned().unwrap_or_default();
    if !["list-peers", "remove-peer"].contains(&verb.as_str()) {
        println!("Command to perform some raft operations\n\nUsage:\n  dkron raft [command]");
        return ExitCode::SUCCESS;
    }
    let usage = format!("dkron raft {verb} [flags]");
    let (asked, id) = (given.text("rpc-addr").map(str::to_owned), given.text("peer-id").unwrap_or_default().to_owned());
    read_configuration(given);
    let address = match target(asked.as_deref()) {
        Ok(address) => address,
        Err(why) => return failed(&why, &usage),
    };
    let done = if verb == "list-peers" {
        call::<Vec<Peer>>("RaftGetConfiguration", &address, &Request::Configuration).map(|peers| print(&peers))
    } else {
        call::<()>("RaftRemovePeerByID", &address, &Request::RemovePeer(id)).map(|()| peer_removed())
    };
    done.map_or_else(|why| failed(&why, &usage), |()| ExitCode::SUCCESS)
}

fn peer_removed() {
    match Generation::from_environment() {
        Generation::Three => println!("Peer removed"),
        Generation::Four => eprintln!("{}", log::line("info", "Peer removed", &[])),
    }
}

fn target(given: Option<&str>) -> Result<String, String> {
    address::fill(given.unwrap_or("{{ GetPrivateIP }}:6868"))
}

fn call<T: serde::de::DeserializeOwned>(method: &str, address: &str, request: &Request) -> Result<T, String> {
    rpc::grpc(address, request).map_err(|failure| {
        let message = if matches!(failure, Failure::Dial(_)) {
            "grpc: error dialing."
        } else {
            "grpc: Error calling gRPC method"
        };
        let (why, fields) = (failure.to_string(), ("method", method));
        eprintln!("{}", log::line("error", message, &[("error", &why), fields, ("server_addr", address)]));
        why
    })
}

/// A table in columns two spaces apart.
fn print(peers: &[Peer]) {
    let mut rows = vec![["Node", "ID", "Address", "State", "Voter"]];
    for peer in peers {
        let state = if peer.leader { "leader" } else { "follower" };
        rows.push([&peer.node, &peer.id, &peer.address, state, "true"]);
    }
    for row in &rows {
        let padded = |(column, cell): (usize, &&str)| {
            let width = rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 2;
            format!("{cell:width$}")
        };
        let line: String = row.iter().enumerate().map(padded).collect();
        println!("{}", line.trim_end());
    }
}

/// The error on stderr with the usage, and once more on stdout.
pub fn failed(why: &str, usage: &str) -> ExitCode {
    eprintln!("Error: {why}\nUsage:\n  {usage}\n");
    println!("{why}");
    ExitCode::FAILURE
}
