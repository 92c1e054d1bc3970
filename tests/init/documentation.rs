//! `docs/wrapper.md` tells of everything that a user can meet.

use std::fs;

use dkron_ha::contract::{env, path};

#[test]
fn the_page_names_every_code_variable_and_probe() {
    let page = format!("{}/docs/wrapper.md", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).expect("the page");
    for code in ["64", "70", "73", "78", "126", "127", "128 + n"] {
        assert!(page.contains(&format!("| {code} |")), "exit code {code}");
    }
    let variables = [
        env::ROLE,
        env::INITIAL_CLUSTER_SIZE,
        env::PEERS,
        env::POD_NAME,
        env::POD_IP,
        env::CLUSTER_DOMAIN,
        env::JOIN,
        env::WRAPPER_PORT,
        env::DKRON_HTTP_PORT,
    ];
    for name in variables.into_iter().chain([path::PROBE_LIVE, path::PROBE_READY, path::PROBE_START]) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
