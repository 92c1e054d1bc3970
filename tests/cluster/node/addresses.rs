//! Addresses of the node's network. They are free to choose: that network is a namespace without a way out, so that nothing on the
//! machine, and no download, ever meets them.

use std::net::Ipv4Addr;

/// The node itself: kube-apiserver, kubelet, `CoreDNS`.
pub const NODE: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 2);
/// Its prefix.
pub const NODE_PREFIX: &str = "172.30.0.2/24";
/// Pods.
pub const PODS: &str = "10.244.0.0/22";
/// The bridge that pods hang at.
pub const PODS_GATEWAY: &str = "10.244.0.1";
/// Cluster addresses of Services.
pub const SERVICES: &str = "10.96.0.0/24";
/// The first of them is the API server's.
pub const API_SERVICE: &str = "10.96.0.1";
/// `CoreDNS`, as installers choose it.
pub const DNS_SERVICE: &str = "10.96.0.10";
