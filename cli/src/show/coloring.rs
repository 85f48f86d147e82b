//! The flags about colours.

use crate::show::console::ColorChoice;
use crate::values;
use clap::Args;

/// Whether colours are wanted.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Coloring {
    /// Do not colorize output
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub no_color: bool,
    /// When to colorize output
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: ColorChoice,
}

impl Coloring {
    /// The choice that both flags make.
    #[must_use]
    pub(crate) fn choice(self) -> ColorChoice {
        if self.no_color { ColorChoice::Never } else { self.color }
    }
}
