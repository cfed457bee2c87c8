//! The configuration: found, read, shown with its origins, and never replaced by a guess.

use std::process::Command;

use crate::support::{Home, P2P, outcome};

#[test]
fn flags_go_before_environment_before_configuration_before_defaults() {
    let home = Home::new("me");
    let name = |arguments: &[&str], variable: Option<&str>| {
        let mut command = Command::new(P2P);
        command.env_clear().env("P2P_HOME", home.path()).args(arguments).args(["config", "show"]);
        command.envs(variable.map(|value| ("P2P_NAME", value)));
        let said = outcome(&mut command, None);
        said.succeeds().stdout.lines().next().unwrap().to_owned()
    };
    assert!(name(&[], None).ends_with("  # default"));
    home.configure("name = \"from_file\"\n");
    let file = home.file("config.toml").display().to_string();
    assert_eq!(name(&[], None), format!("name = from_file  # {file}"));
    assert_eq!(name(&[], Some("from_env")), "name = from_env  # environment");
    assert_eq!(name(&["--name", "from flag"], Some("from_env")), "name = from_flag  # flag");
}

#[test]
fn every_key_of_the_example_is_shown_with_its_default() {
    let home = Home::new("me");
    home.run(["config", "init"]).is(0, "", "");
    home.run(["config", "init"]).fails(2, "it is there already");
    home.run(["config", "check"]).is(0, "", "");
    let shown = home.json(&["config", "show"]);
    let value = |key: &str| {
        let setting =
            shown.iter().find(|s| s["key"] == key).unwrap_or_else(|| panic!("{key} is not shown"));
        assert_eq!(setting["origin"], if key == "name" { "environment" } else { "default" });
        setting["value"].as_str().map(str::to_owned)
    };
    let mut section = String::new();
    let mut keys = 0;
    for line in p2p::config::EXAMPLE.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned() + ".";
        } else if line.starts_with("#[[") {
            break;
        } else if let Some((key, default)) =
            line.strip_prefix('#').and_then(|l| l.split_once(" = "))
        {
            if key.contains(' ') {
                continue;
            }
            keys += 1;
            let shown = value(&format!("{section}{key}"));
            // these have no default, or none that fits everybody; the example shows their form
            if !["name", "bind", "advertise", "recheck", "retry_for"].contains(&key) {
                assert_eq!(shown.as_deref(), Some(default.trim_matches('"')), "{section}{key}");
            }
        }
    }
    assert_eq!(keys, shown.len(), "the example lists every key that there is");
}

#[test]
fn a_wrong_configuration_is_never_replaced_by_defaults() {
    let home = Home::new("me");
    let file = home.file("config.toml").display().to_string();
    home.configure("[listen]\nprot = 1\n");
    for call in [&["config", "check"][..], &["peers"], &["send", ":1", "hi"], &["listen"]] {
        let expected = format!(
            "error: cannot read {file}: line 2: unknown key `prot`\nhint: did you mean `port`?\n"
        );
        home.run(call).is(2, "", &expected);
    }
    home.configure("[[peer]]\naddr = \"10.0.0.1:1\"\n[[peer]]\naddr = \"10.0.0.1:1\"\n");
    home.run(["config", "check"]).is(2, "", "error: the configuration lists 10.0.0.1:1 twice\n");
    home.configure("[limits]\nconnections = 0\n");
    home.run(["config", "check"]).is(2, "", "error: limits.connections must be at least 1\n");
    std::fs::write(home.file("config.toml"), b"name = \"\xff\"").unwrap();
    home.run(["config", "check"]).fails(2, "stream did not contain valid UTF-8");
    std::fs::remove_file(home.file("config.toml")).unwrap();
    std::fs::create_dir(home.file("config.toml")).unwrap();
    home.run(["config", "check"]).fails(2, "Is a directory");
    home.run(["-c", "/nonexistent/p2p.toml", "peers"]).is(
        2,
        "",
        "error: cannot read /nonexistent/p2p.toml: No such file or directory (os error 2)\n",
    );
}

#[test]
fn a_checked_configuration_is_one_that_listens() {
    let home = Home::new("me");
    home.configure("[[hook]]\nfrom = \"ghost\"\nrun = \"true\"\n");
    let path = home.file("config.toml").display().to_string();
    home.run(["config", "check"])
        .fails(2, &format!("a hook of {path}: no known peer is called `ghost`"));
}

#[test]
fn a_message_may_not_be_larger_than_what_can_be_read_again() {
    let home = Home::new("me");
    home.configure("[listen]\nmax_size = 2097153\n");
    home.run(["config", "check"]).fails(2, "listen.max_size is at most 2097152");
    home.configure("[listen]\nmax_size = 2097152\n");
    home.run(["config", "check"]).succeeds();
}

#[test]
fn paths_follow_the_xdg_directories_or_one_home() {
    let path = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(P2P);
        command
            .env_clear()
            .envs(variables.iter().copied())
            .args(arguments)
            .args(["config", "path"]);
        outcome(&mut command, None)
    };
    path(&[("HOME", "/h")], &[]).is(
        0,
        "config /h/.config/p2p/config.toml\nstate /h/.local/state/p2p\nkey /h/.local/share/p2p/key\n",
        "",
    );
    path(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")], &[]).is(
        0,
        "config /c/p2p/config.toml\nstate /s/p2p\nkey /h/.local/share/p2p/key\n",
        "",
    );
    path(&[("HOME", "/h"), ("P2P_HOME", "/p")], &[]).is(
        0,
        "config /p/config.toml\nstate /p\nkey /p/key\n",
        "",
    );
    path(&[("P2P_HOME", "/p")], &["--home", "/q", "-c", "/x.toml"]).is(
        0,
        "config /x.toml\nstate /q\nkey /q/key\n",
        "",
    );
    // it would be another one in each directory
    path(&[("HOME", "h")], &[]).fails(2, "cannot find a home directory");
    path(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")], &[]).is(
        0,
        "config /h/.config/p2p/config.toml\nstate /h/.local/state/p2p\nkey /h/.local/share/p2p/key\n",
        "",
    );
}
