//! The HTTP API on `--http-addr`: as much of it as the wrapper and its tests use, in dkron's words. The web pages,
//! restore, pause and metrics are not modelled.

mod message;
mod routes;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use message::{Request, Response};

use super::node::Node;

/// Listens, or only logs that it cannot, as dkron does.
pub fn start(node: &Arc<Node>) {
    let address = &node.settings.http;
    // Nothing before the colon is every address, of either family where there are both.
    let bound = match address.strip_prefix(':') {
        Some(port) => {
            TcpListener::bind(format!("[::]:{port}")).or_else(|_| TcpListener::bind(format!("0.0.0.0:{port}")))
        }
        None => TcpListener::bind(address),
    };
    node.log.info("api: Running HTTP server", &[("address", address)]);
    match bound {
        Ok(listener) => {
            let node = Arc::clone(node);
            thread::spawn(move || {
                for stream in listener.incoming().filter_map(Result::ok) {
                    let node = Arc::clone(&node);
                    thread::spawn(move || converse(&node, stream));
                }
            });
        }
        Err(error) => node.log.error("api: Error starting HTTP server", &[("error", &error.to_string())]),
    }
}

fn converse(node: &Arc<Node>, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut unread = Vec::new();
    while let Ok(request) = Request::read(&mut stream, &mut unread) {
        let response: Response = routes::answer(node, &request);
        if response.write(&mut stream, &node.settings.node_name).is_err() || request.last {
            return;
        }
    }
}
