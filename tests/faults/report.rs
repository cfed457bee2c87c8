//! What a fault program says of itself, and how long it lasts.

use std::io::Write as _;
use std::time::Duration;

/// The variable that makes fault programs last longer.
const LONGER: &str = "P2P_FAULTS_FOR";

/// How long a fault program that can go on does so: as long as [`LONGER`] says, else this long.
pub fn lasting(ordinarily: Duration) -> Duration {
    match std::env::var(LONGER) {
        Ok(text) => humantime::parse_duration(&text)
            .unwrap_or_else(|error| panic!("{LONGER}={text} is no time such as 10m: {error}")),
        Err(_) => ordinarily,
    }
}

/// Prints the figures of the fault program that calls it, where no test runner hides them.
pub fn print_figures(figures: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "FIGURES: {test}: {figures}");
}

/// The same for one line of many, which only a longer run prints.
pub fn print_detail(figures: &str) {
    if std::env::var_os(LONGER).is_some() {
        print_figures(figures);
    }
}

/// [`print_figures`] of what `format!` takes.
macro_rules! figures {
    ($($figures:tt)*) => { $crate::report::print_figures(&format!($($figures)*)) };
}

/// [`print_detail`] of what `format!` takes.
macro_rules! detail {
    ($($figures:tt)*) => { $crate::report::print_detail(&format!($($figures)*)) };
}
