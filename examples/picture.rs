//! Makes a picture of what a terminal shows: text with its escape sequences on stdin, SVG on stdout.
//!
//! ```text
//! tmux capture-pane -e -p | cargo run --example picture -- 'what it shows' > picture.svg
//! ```

#![expect(clippy::print_stdout, reason = "a picture is what it is for")]

use std::error::Error;
use std::io::Read as _;

use anstyle_svg::Term;

fn main() -> Result<(), Box<dyn Error>> {
    let title = std::env::args().nth(1).ok_or("say what the picture shows")?;
    let mut screen = String::new();
    std::io::stdin().lock().read_to_string(&mut screen)?;
    let svg = Term::new().render_svg(screen.trim_end());
    // for those who cannot see it
    let start = svg.find('>').ok_or("no picture")? + 1;
    let (head, rest) = svg.split_at(start);
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    println!("{head}\n  <title>{title}</title>{rest}");
    Ok(())
}
