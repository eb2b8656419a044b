//! Progress of long work, on a terminal only.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockstep::run::Progress;

/// A bar on stderr where that is a terminal.
pub fn bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {pos}/{len} {elapsed}").ok()?;
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}

/// What a run tells, shown on a bar.
pub fn on(bar: &ProgressBar) -> Progress {
    let bar = bar.clone();
    Arc::new(move |what, done, of| {
        bar.set_message(what.to_owned());
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })
}
