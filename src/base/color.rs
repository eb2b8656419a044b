//! Whether output is coloured.

/// Whether escape sequences for colours are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    #[default]
    Off,
    /// ANSI colours.
    On,
}

impl Color {
    /// Wraps text into an SGR sequence such as `31`.
    pub fn paint(self, sgr: &str, text: &str) -> String {
        match self {
            Self::Off => text.to_owned(),
            Self::On => format!("\x1b[{sgr}m{text}\x1b[0m"),
        }
    }
}
