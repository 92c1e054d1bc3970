//! What is linked into the program: it lives in people's pods, where an advisory on a TLS library must not reach it.

use std::collections::BTreeSet;
use std::fs;

use object::{Object, ObjectSymbol};

use crate::wrapped::BUILT;

/// Crates that belong to the large program.
const FOREIGN: [&str; 12] = [
    "axum",
    "clap",
    "clap_builder",
    "hyper",
    "hyper_util",
    "kube",
    "kube_client",
    "rcgen",
    "ring",
    "rustls",
    "tokio",
    "tracing",
];

/// Names of all symbols.
fn symbols() -> Vec<String> {
    let bytes = fs::read(BUILT).expect("the program");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    file.symbols().filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect()
}

/// Whether a mangled name speaks of this crate: `<length><name>` as its own word (`_ZN5tokio…`, `…_5tokio…`), or `$LT$name..`.
fn of_crate(symbol: &str, name: &str) -> bool {
    let counted = format!("{}{name}", name.len());
    let word = symbol.match_indices(&counted).any(|(at, _)| !symbol[..at].ends_with(|c: char| c.is_ascii_digit()));
    word || symbol.contains(&format!("$LT${name}..")) || symbol.contains(&format!("_{name}.."))
}

#[test]
fn neither_runtime_nor_tls_nor_kubernetes_is_linked() {
    let symbols = symbols();
    let found = |name: &str| symbols.iter().filter(|symbol| of_crate(symbol, name)).count();
    // The scan sees crates at all: these are there.
    for expected in ["dkron_ha", "serde_json", "signal_hook"] {
        assert!(found(expected) > 0, "no symbol of {expected} among {}", symbols.len());
    }
    let foreign: BTreeSet<_> = FOREIGN.iter().filter(|name| found(name) > 0).collect();
    assert!(foreign.is_empty(), "linked: {foreign:?}");
    println!("{} symbols, {} of dkron_ha", symbols.len(), found("dkron_ha"));
}

#[test]
fn a_crate_is_recognised_in_either_mangling() {
    for symbol in [
        "_ZN5tokio7runtime4task17h0123456789abcdefE",
        "_ZN69_$LT$tokio..net..TcpStream$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
        "_RNvMs_NtCsabc123_5tokio7runtimeNtB4_7Runtime3new",
    ] {
        assert!(of_crate(symbol, "tokio"), "{symbol}");
        assert!(!of_crate(symbol, "ring") && !of_crate(symbol, "rustls"), "{symbol}");
    }
    assert!(!of_crate("_ZN14tokio_like_rt4taskE", "tokio"));
    assert!(!of_crate("_ZN3std14string_or_ring3fmtE", "ring"));
}
