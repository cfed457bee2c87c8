//! The ceilings: the file that keeps them for each kind of machine, and what is said when a count is above one, or far
//! below.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde::Deserialize;

use crate::{Count, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/ceilings.toml");

/// How the file begins.
const HEAD: &str = "\
# The most instructions that a one-shot command may execute, beyond those of a Rust program that does nothing.
# Written by `cargo bench --bench instructions -- --write`; CONTRIBUTING.md says when.
";

/// What is added to a count to make its ceiling, in percent: two counts of the same program differ by 0.2, two machines of a
/// kind by 0.4, and the rest is for small changes that are worth their price.
const MARGIN: u64 = 3;

/// How much more is allowed with other tools, in percent: a compiler that makes a longer program is no fault of a change here.
const OTHER_TOOLS: u64 = 10;

/// A count that is so far below its ceiling, in percent, could grow again without anybody's notice.
const SLACK: u64 = 10;

/// What the file says of one kind of machine.
#[derive(Default, Deserialize)]
struct Ceilings {
    /// The tools that they were made with.
    with: String,
    commands: BTreeMap<String, u64>,
}

/// Prints a table and says what is wrong in it; whether nothing is above its ceiling.
pub(crate) fn compare(counts: &[Count]) -> Result<bool> {
    let machine = machine();
    let known = read()?.remove(&machine).unwrap_or_default();
    let here = tools()?;
    let allowance = if here == known.with { 0 } else { OTHER_TOOLS };
    println!("{machine:28}  whole process    beyond it      ceiling  ratio  runs differ by");
    let (mut below, mut above) = (Vec::new(), Vec::new());
    for Count { name, whole, own, spread } in counts {
        let remedy = format!("no ceiling for `{name}` on {machine}; --write makes one");
        let ceiling = *known.commands.get(*name).ok_or(remedy)?;
        let ratio = *own as f64 / ceiling as f64;
        let differ = *spread as f64 / *own as f64 * 100.0;
        let (whole, shown, limit) = (grouped(*whole), grouped(*own), grouped(ceiling));
        println!("{name:28} {whole:>14} {shown:>12} {limit:>12} {ratio:6.3} {differ:13.2} %");
        if *own * 100 > ceiling * (100 + allowance) {
            let more = (ratio - 1.0) * 100.0;
            above.push(format!("`{name}` is {more:.1} % above its ceiling of {limit}: {shown}"));
        } else if own * 100 < ceiling * (100 - SLACK) {
            let new = grouped(with_margin(*own));
            below.push(format!("`{name}` is far below its ceiling: lower the ceiling to {new}"));
        }
    }
    below.iter().chain(&above).for_each(|line| println!("{line}"));
    if allowance > 0 {
        let with = &known.with;
        println!(
            "the ceilings were made with {with}; here is {here}, so {allowance} % more is allowed"
        );
    }
    Ok(above.is_empty())
}

/// Makes the ceilings of this kind of machine anew, and leaves those of others as they are.
pub(crate) fn write(counts: &[Count]) -> Result<bool> {
    let commands = counts.iter().map(|count| (count.name.to_owned(), with_margin(count.own)));
    let new = Ceilings { with: tools()?, commands: commands.collect() };
    let mut file = read()?;
    file.insert(machine(), new);
    let mut text = String::from(HEAD);
    for (machine, Ceilings { with, commands }) in &file {
        write!(text, "\n[{machine}]\nwith = \"{with}\"\n\n[{machine}.commands]\n")?;
        for (name, ceiling) in commands {
            writeln!(text, "\"{name}\" = {}", grouped(*ceiling).replace(',', "_"))?;
        }
    }
    fs::write(FILE, text)?;
    compare(counts)
}

fn read() -> Result<BTreeMap<String, Ceilings>> {
    Ok(toml::from_str(&fs::read_to_string(FILE)?)?)
}

/// The kind of machine that this is.
fn machine() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("{}-{}-{libc}", std::env::consts::ARCH, std::env::consts::OS)
}

/// What a count depends on besides our code.
fn tools() -> Result<String> {
    let said = |program: &str, word: &str| -> Result<String> {
        let output = Command::new(program).arg(word).output();
        let output = output.map_err(|error| format!("{program} {word}: {error}"))?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let rustc = said("rustc", "--version")?;
    let rustc = rustc.split(" (").next().unwrap_or_default();
    let (libc, valgrind) = (said("getconf", "GNU_LIBC_VERSION")?, said("valgrind", "--version")?);
    Ok([rustc, &libc, &valgrind].join(", "))
}

/// The ceiling for a count, in whole thousands.
fn with_margin(counted: u64) -> u64 {
    (counted * (100 + MARGIN)).div_ceil(100_000) * 1_000
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
