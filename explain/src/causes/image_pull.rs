//! `image-pull`: an image cannot be pulled.

use super::shared::{containers, of_hits, warning};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

/// Why a container waits while its image is not there.
const REASONS: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "ErrImagePullBackOff",
];

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "image-pull",
    docs: "The image of a container cannot be pulled: the name or tag does not exist, the registry does not answer, or the \
           pull secret is missing or wrong. Seen in the waiting reason of the container.",
    remedy: "Correct the image, or the pull secret of the pod's service account.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut image = String::new();
    let hits = containers(case, |pod, container| {
        let (reason, message) = container.waiting();
        if !REASONS.contains(&reason) {
            return None;
        }
        if image.is_empty() {
            container.image().clone_into(&mut image);
        }
        let told = format!(
            "container {} waits: {reason} ({}) {message}",
            container.name,
            container.image()
        );
        Some(case.fact(
            "pod",
            pod.object,
            &container.field("state.waiting"),
            pod.object.created(),
            &told,
        ))
    });
    let event = hits.first().and_then(|hit| warning(case, hit.pod.object, &["Failed"]));
    let rest = format!(" image {image}");
    let mut cause = of_hits(&CAUSE, case, hits, "cannot pull", "cannot pull", &rest)?;
    cause.evidence.extend(event);
    Some(cause)
}
