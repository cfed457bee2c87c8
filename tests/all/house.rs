//! The rules of the house that can be checked.

use crate::support::project_files;

/// The lines of a file before its own tests.
fn code(path: &std::path::Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

#[test]
fn only_the_ui_prints_and_only_main_ends_the_process() {
    for path in project_files("src", ".rs") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let code = code(&path);
        for (word, home) in [
            ("println!", ""),
            ("print!(", ""),
            ("dbg!", ""),
            ("io::stdout()", "ui.rs"),
            ("io::stderr()", "ui.rs"),
            ("process::exit", ""),
            ("ExitCode", "main.rs"),
        ] {
            let found = code.contains(word) && name != home;
            assert!(!found, "{} has {word}", path.display());
        }
    }
}

#[test]
fn no_file_imports_from_a_floor_above_it() {
    // from the ground up; files of one floor may know each other
    const FLOORS: [&[&str]; 8] = [
        &["escape", "nearest", "open_files"],
        &["name", "address", "exit", "peer", "message", "codec", "book", "lookup", "newcomers"],
        &["config", "event", "state", "ui", "fanout", "layers", "signals", "inbox", "slots"],
        &["global", "paths", "settings", "connection", "dial", "recorder"],
        &["listener", "home", "report"],
        &["outreach"],
        &["commands"],
        &["cli", "lib", "main"],
    ];
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in project_files("src", ".rs") {
        let relative = path.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        let floor = floor_of(&module).unwrap_or_else(|| panic!("{module} has no floor"));
        for import in code(&path).split("use crate::").skip(1) {
            let end = import.find([':', ';', ' ']).unwrap();
            let imported = &import[..end];
            let allowed = floor_of(imported).is_some_and(|other| other <= floor);
            assert!(allowed, "{} imports {imported}", relative.display());
        }
    }
}
