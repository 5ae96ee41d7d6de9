//! `benches/RESULTS.md` and `benches/results.svg`, from the newest figures, which are kept in `benches/results.jsonl`: a
//! section that is measured elsewhere, or later, leaves the others as they are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::bench::results_path;
use crate::bounds::{About, SECTIONS, goal};
use crate::figures::{Measured, Spread};
use crate::plot;

const INTRODUCTION: &str = "\
# What is measured

Made by `cargo bench --bench log`, which starts a Postgres of its own (configured as the embedded one is: every commit
on disk), lets the contestants take turns on it in changing order, and prints one ratio a round; and by
`cargo bench --bench log -- report`, which writes this page and the plot. `-- --help` names the sections and settings.

A ratio is our rate as a multiple of the other's in the same round. Absolute rates say more about a machine than about
a program and are kept out of this page; figures in milliseconds or MiB are of the machine below.

![Ratios](results.svg)
";

/// Writes both; of figures that mean nothing (`--quick`) only where nobody takes them for results.
pub fn write(quick: bool) -> Result<()> {
    let dir = if quick { scratch() } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("benches") };
    let kept = dir.join("results.jsonl");
    let figures = newest(&[&kept, &results_path()], quick)?;
    ensure!(
        !figures.is_empty(),
        "nothing was measured yet (--quick does not count): cargo bench --bench log"
    );
    let lines: Vec<_> = figures.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    fs::write(kept, lines.join("\n") + "\n")?;
    fs::write(dir.join("RESULTS.md"), page(&figures)?)?;
    plot::draw(&dir.join("results.svg"), &figures)?;
    println!("{} and results.svg beside it are written", dir.join("RESULTS.md").display());
    Ok(())
}

fn scratch() -> PathBuf {
    results_path().with_file_name("")
}

/// The last of each figure, as it is shown, in the order in which they first came.
fn newest(files: &[&Path], quick: bool) -> Result<Vec<Measured>> {
    let (mut order, mut newest) = (vec![], BTreeMap::<_, Measured>::new());
    for file in files.iter().filter(|file| file.exists()) {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        for line in text.lines() {
            let mut measured: Measured =
                serde_json::from_str(line).with_context(|| file.display().to_string())?;
            if measured.quick != quick || measured.figure.is_absolute_rate() {
                continue;
            }
            measured.figure = measured.figure.without_absolutes();
            let figure = &measured.figure;
            let key = (figure.section.clone(), figure.name.clone(), figure.against.clone());
            match newest.entry(key) {
                Entry::Vacant(entry) => {
                    order.push(entry.key().clone());
                    entry.insert(measured);
                }
                // What this machine measured once may be older than what the tree has from another.
                Entry::Occupied(mut entry) if entry.get().at <= measured.at => {
                    entry.insert(measured);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    Ok(order.iter().filter_map(|key| newest.remove(key)).collect())
}

fn page(figures: &[Measured]) -> Result<String> {
    let mut page = INTRODUCTION.to_owned();
    for About { section, heading, bounds } in SECTIONS {
        let of_section = |measured: &&Measured| measured.figure.section.split(',').next() == Some(section);
        let mut rows = figures.iter().filter(of_section).peekable();
        let Some(first) = rows.peek() else { continue };
        let (machine, commit, at) = (&first.machine, &first.commit, first.at.format("%Y-%m-%d"));
        writeln!(page, "\n## {heading}\n")?;
        writeln!(
            page,
            "{} cores ({}), {} GiB, Postgres {}, load before {}; {commit}, {at}\n",
            machine.cores, machine.processor, machine.memory_gib, machine.postgres, machine.load
        )?;
        writeln!(page, "| figure | next to | median | min – max | asked | |\n|---|---|---:|---:|---:|---|")?;
        for measured in rows {
            row(&mut page, measured)?;
        }
        writeln!(page, "\nWhat bounds it:\n")?;
        for (what, sentence) in *bounds {
            writeln!(page, "- *{what}*: {sentence}")?;
        }
    }
    Ok(page)
}

fn row(page: &mut String, measured: &Measured) -> Result<()> {
    let figure = &measured.figure;
    let Spread { min, median, max } = figure.spread();
    let against = figure.against.as_deref().unwrap_or_default();
    let unit = if figure.against.is_some() { "×" } else { &figure.unit };
    let goal = goal(&figure.section, &figure.name, against);
    let (asked, met) = match goal {
        Some(goal) => (goal.to_string(), if goal.is_met(median) { "met" } else { "**missed**" }),
        None => (String::new(), ""),
    };
    // What of a figure's section the heading does not say.
    let more = figure.section.split_once(", ").map(|(_, more)| format!(", {more}")).unwrap_or_default();
    writeln!(
        page,
        "| {}{more} | {against} | {median:.2} {unit} | {min:.2} – {max:.2} | {asked} | {met} |",
        figure.name
    )?;
    Ok(())
}
