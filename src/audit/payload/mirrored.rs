//! Streams that OKD is promoted to, and whose images nobody outside of CI gets.

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::facts::ci_config;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::targets::image_mirroring;

static CODE: Code = Code {
    name: "stream-not-mirrored",
    family: Family::Payload,
    severity: Warning,
    title: "OKD's images of a release are promoted and not mirrored",
    means: "Image mirroring copies what is promoted to the streams that its configuration names. The release's stream is not \
            among them, so nobody outside of CI gets its images. Where target `image-mirroring` is configured it adds the entry, \
            and tells this only where it cannot.",
    action: "Add the lines that the finding shows, and the stream's mapping file; the target writes both.",
    example: "configs promote to okd/okd-5.1, and mirror/_config.yaml does not name that stream: its images are not mirrored",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some((ci, (place, text))) = context.ci.and_then(|ci| Some((ci, ci.mirroring.as_ref()?))) else {
        return;
    };
    let payload = &context.release.payload;
    let promotes = |text: &[u8]| {
        let promotions = ci_config::promotions(text).unwrap_or_default();
        let mut here = promotions.iter();
        here.any(|one| one.is_active(&payload.namespace.value, &payload.name.value))
    };
    if !ci.variant.values().any(|text| promotes(text)) {
        return;
    }
    if let Some(finding) = image_mirroring::unmirrored(context.release, place, text) {
        sink.add(finding);
    }
}
