//! The `dkron-ha.io/` annotations of an object, read strictly.

use super::verdict::Rejection;
use crate::code;
use crate::contract::{DOMAIN, annotation};
use crate::json::{Node, Pointer};
use crate::options::{NotAllowed, Options, TABLE};

/// Annotations that dkron-ha writes and nobody sets.
const OWN: [&str; 4] = [annotation::STATUS, annotation::FORMED, annotation::ORDINALS_START, annotation::ROLLOUT_STATUS];

/// What the annotations of an object say.
#[derive(Debug)]
pub struct Said {
    /// Every option that could be read.
    pub options: Options,
    /// The first annotation that could not: unknown, or malformed.
    fault: Option<Rejection>,
}

impl Said {
    /// Reads all options. `path` is where the annotations stand.
    pub fn of(annotations: &Node<'_>, path: &Pointer) -> Self {
        let mut said = Self { options: Options::default(), fault: None };
        for (key, value) in annotations.members() {
            let Some(name) = key.strip_prefix(DOMAIN).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if OWN.contains(&&**key) {
                continue;
            }
            let fault = match TABLE.iter().find(|row| row.name == name) {
                None => Some(unknown(path.key(key), name)),
                Some(row) => {
                    let text = value.str().unwrap_or_default();
                    row.read(&mut said.options, &text).err().map(|allowed| malformed(path.key(key), &text, &allowed))
                }
            };
            said.fault = said.fault.or(fault);
        }
        said
    }

    /// The options, if all could be read.
    ///
    /// # Errors
    /// A [`Rejection`] that names the first unknown or malformed annotation, its allowed values, and the nearest known name.
    pub fn strictly(self) -> Result<Options, Rejection> {
        self.fault.map_or(Ok(self.options), Err)
    }
}

/// Requests and limits that do not go together are refused by the API server, where only the controller would hear it.
///
/// # Errors
/// A [`Rejection`] that names the pair. `path` is where the annotations stand.
pub fn resources_fit(options: &Options, path: &Pointer) -> Result<(), Rejection> {
    options.above_its_limit().map_or(Ok(()), |problem| {
        Err(Rejection {
            code: code::MALFORMED_ANNOTATION,
            path: path.clone(),
            problem,
            fix: "set both, the request not above the limit".into(),
        })
    })
}

fn malformed(path: Pointer, text: &str, allowed: &NotAllowed) -> Rejection {
    Rejection {
        code: code::MALFORMED_ANNOTATION,
        path,
        problem: format!("{:?} is not allowed", shortened(text)),
        fix: allowed.to_string(),
    }
}

fn unknown(path: Pointer, name: &str) -> Rejection {
    let nearest = TABLE.iter().map(|row| row.name).min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let near = nearest.filter(|known| strsim::damerau_levenshtein(known, name) <= 1 + known.len() / 3);
    let fix = match near {
        Some(known) => format!("did you mean {DOMAIN}/{known}?"),
        None => format!("known: {}", TABLE.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")),
    };
    Rejection { code: code::UNKNOWN_ANNOTATION, path, problem: "no such annotation".into(), fix }
}

/// A value as a message may repeat it.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.into() } else { text.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Shape;
    use crate::options::Role;

    fn reading(text: &str) -> Result<Options, Rejection> {
        Said::of(&Node::parse(text, &Shape::MAP).unwrap(), &Pointer::of("/metadata/annotations")).strictly()
    }

    #[test]
    fn others_annotations_are_nobodys_business() {
        let options =
            reading(r#"{"a/b":"c","dkron-ha.iox/role":"x","dkron-ha.io/role":"agent","dkron-ha.io/status":"{"}"#);
        assert_eq!(options.unwrap().role, Some(Role::Agent));
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_nearest_name() {
        let rejection = reading(r#"{"dkron-ha.io/initial-clustersize":"3"}"#).unwrap_err();
        assert_eq!(rejection.code, code::UNKNOWN_ANNOTATION);
        assert_eq!(rejection.fix, "did you mean dkron-ha.io/initial-cluster-size?");
        assert_eq!(rejection.path.as_str(), "/metadata/annotations/dkron-ha.io~1initial-clustersize");
        assert!(reading(r#"{"dkron-ha.io/quite-something-else":""}"#).unwrap_err().fix.starts_with("known: container"));
    }

    #[test]
    fn a_malformed_value_is_answered_with_what_is_allowed() {
        let rejection = reading(r#"{"dkron-ha.io/role":"leader"}"#).unwrap_err();
        assert_eq!(rejection.code, code::MALFORMED_ANNOTATION);
        assert_eq!(rejection.fix, "allowed: server | agent");
    }
}
