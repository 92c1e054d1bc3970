//! What the engine looks at in a review, a Pod and a StatefulSet.
//!
//! One shape serves both kinds, so that a review is read in a single scan before its kind is known.

use crate::json::Shape;

static MAP: Shape = Shape::MAP;
static MAPS: Shape = Shape::List(&MAP);
static TEXTS: Shape = Shape::List(&Shape::Text);

static META: Shape = Shape::Object(&[("labels", &MAP), ("annotations", &MAP), ("ownerReferences", &MAPS)]);

static ENV: Shape = Shape::List(&Shape::Object(&[("valueFrom", &Shape::Object(&[("fieldRef", &MAP)]))]));

static HANDLER: Shape =
    Shape::Object(&[("httpGet", &MAP), ("tcpSocket", &MAP), ("exec", &Shape::Object(&[("command", &TEXTS)]))]);

static CONTAINERS: Shape = Shape::List(&Shape::Object(&[
    ("command", &TEXTS),
    ("args", &TEXTS),
    ("env", &ENV),
    ("envFrom", &MAPS),
    ("ports", &MAPS),
    ("volumeMounts", &MAPS),
    ("livenessProbe", &HANDLER),
    ("readinessProbe", &HANDLER),
    ("startupProbe", &HANDLER),
    ("lifecycle", &Shape::Object(&[("preStop", &HANDLER)])),
]));

static INIT_CONTAINERS: Shape = Shape::List(&Shape::Object(&[("volumeMounts", &MAPS)]));

/// The spec of a Pod or of a StatefulSet; a template holds such a spec again.
static SPEC: Shape = Shape::Object(&[
    ("containers", &CONTAINERS),
    ("initContainers", &INIT_CONTAINERS),
    ("volumes", &MAPS),
    ("nodeSelector", &MAP),
    ("os", &MAP),
    ("securityContext", &MAP),
    ("affinity", &MAP),
    ("template", &WORKLOAD),
    ("ordinals", &MAP),
    ("updateStrategy", &MAP),
]);

/// A Pod, a StatefulSet, or its template.
pub static WORKLOAD: Shape = Shape::Object(&[("metadata", &META), ("spec", &SPEC)]);

/// An `AdmissionReview` of `admission.k8s.io/v1`.
pub static REVIEW: Shape =
    Shape::Object(&[("request", &Shape::Object(&[("kind", &MAP), ("object", &WORKLOAD), ("oldObject", &WORKLOAD)]))]);
