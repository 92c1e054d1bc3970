//! The HTTPS server seen from outside: real TLS on loopback, a reviewer that does what a body says.

mod admin;
mod certificates;
mod connections;
mod descriptors;
mod drain;
mod limits;
mod memory;
mod routes;
mod signals;
mod support;
mod turns;
