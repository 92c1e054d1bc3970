//! The parts that the engine reads and that a patch steps into have the kinds that Kubernetes gives them.
//!
//! An API server sends nothing else; files and attackers may.

use super::verdict::Rejection;
use super::{Kind, Request};
use crate::code;
use crate::json::{Node, Pointer};

/// Checks the object under review.
///
/// # Errors
/// A [`Rejection`] that names the first place of the wrong kind.
pub fn check(request: &Request<'_>) -> Result<(), Rejection> {
    let root = Pointer::root();
    if !matches!(request.object, Node::Object(_)) {
        return Err(fault(&root, "an object"));
    }
    metadata(request.object.get("metadata"), &root.key("metadata"))?;
    let (spec, at) = (request.object.get("spec"), root.key("spec"));
    match request.kind {
        Kind::Pod => pod_spec(spec, &at),
        Kind::StatefulSet => {
            object(spec, &at)?;
            let (template, at) = (spec.get("template"), at.key("template"));
            object(template, &at)?;
            metadata(template.get("metadata"), &at.key("metadata"))?;
            pod_spec(template.get("spec"), &at.key("spec"))
        }
    }
}

fn metadata(node: &Node<'_>, path: &Pointer) -> Result<(), Rejection> {
    object(node, path)?;
    for name in ["labels", "annotations"] {
        let (map, path) = (node.get(name), path.key(name));
        object(map, &path)?;
        let no_text = map.members().iter().find(|(_, value)| value.str().is_none() && !value.is_null());
        if let Some((key, _)) = no_text {
            return Err(fault(&path.key(key), "a text in quotes"));
        }
    }
    objects(node.get("ownerReferences"), &path.key("ownerReferences"))
}

fn pod_spec(node: &Node<'_>, path: &Pointer) -> Result<(), Rejection> {
    object(node, path)?;
    for name in ["securityContext", "affinity", "nodeSelector", "os"] {
        object(node.get(name), &path.key(name))?;
    }
    let (mains, at_mains) = (node.get("containers"), path.key("containers"));
    objects(mains, &at_mains)?;
    for (at, item) in mains.items().iter().enumerate() {
        container(item, &at_mains.index(at))?;
    }
    let (inits, at_inits) = (node.get("initContainers"), path.key("initContainers"));
    objects(inits, &at_inits)?;
    for (at, item) in inits.items().iter().enumerate() {
        objects(item.get("volumeMounts"), &at_inits.index(at).key("volumeMounts"))?;
    }
    objects(node.get("volumes"), &path.key("volumes"))
}

fn container(node: &Node<'_>, path: &Pointer) -> Result<(), Rejection> {
    for name in ["env", "envFrom", "ports", "volumeMounts"] {
        objects(node.get(name), &path.key(name))?;
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        object(node.get(name), &path.key(name))?;
    }
    for name in ["command", "args"] {
        let words = node.get(name);
        if !words.is_null() && words.strings().is_none() {
            return Err(fault(&path.key(name), "a list of strings"));
        }
    }
    Ok(())
}

fn object(node: &Node<'_>, path: &Pointer) -> Result<(), Rejection> {
    if matches!(node, Node::Object(_)) || node.is_null() { Ok(()) } else { Err(fault(path, "an object")) }
}

fn objects(node: &Node<'_>, path: &Pointer) -> Result<(), Rejection> {
    match node {
        Node::List(items) => {
            let wrong = items.iter().position(|item| !matches!(item, Node::Object(_)));
            wrong.map_or(Ok(()), |at| Err(fault(&path.index(at), "an object")))
        }
        node if node.is_null() => Ok(()),
        _ => Err(fault(path, "a list")),
    }
}

fn fault(path: &Pointer, wanted: &str) -> Rejection {
    Rejection {
        code: code::MALFORMED_OBJECT,
        path: path.clone(),
        problem: format!("{wanted} is expected here"),
        fix: "see the API reference of the kind".into(),
    }
}
