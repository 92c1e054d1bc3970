//! What `demo` prints.

use crate::cli::diff;
use crate::cli::exit::Done;
use crate::documents::to_yaml;
use crate::rehearsal::{Act, Played};
use anstyle::{AnsiColor, Style};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Where the play took place, and how long it took.
pub struct Stage<'a> {
    /// Address of the HTTPS server.
    pub address: SocketAddr,
    /// Name that its certificate was verified for.
    pub name: &'a str,
    /// Protocol version.
    pub tls: &'a str,
    /// From the command to the first verified connection.
    pub ready: Duration,
    /// Round trip of each review.
    pub times: &'a [Duration],
}

const TITLE: Style = Style::new().bold();
const WARNING: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const ERROR: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));

/// Prints the play; colours appear on a terminal only.
pub fn tell(stage: &Stage<'_>, played: &[Played]) -> anyhow::Result<Done> {
    let mut out = anstream::stdout().lock();
    let Stage { address, name, tls, ready, .. } = stage;
    writeln!(out, "The webhook serves https://{address} after {} ms; {tls}, verified as {name}.", ready.as_millis())?;
    writeln!(out, "What an API server would send it, and would store:\n")?;
    let mut done = Done::Well;
    for act in select(played) {
        match act {
            Shown::Whole(act) => {
                scene(&mut out, act)?;
                if act.admitted.refusal.is_some() {
                    done = Done::Refused;
                }
            }
            Shown::Like(act, first) => {
                writeln!(
                    out,
                    "{TITLE}{}{TITLE:#}: {} operations, as for {first}\n",
                    act.title, act.admitted.operations
                )?;
            }
        }
    }
    times(&mut out, stage.times)?;
    if done == Done::Well {
        let changed = played.iter().flat_map(|played| &played.acts).find(|act| act.admitted.operations > 0);
        farewell(&mut out, changed.map_or("NAMESPACE", |act| &act.namespace))?;
    }
    Ok(done)
}

/// An act, in full or by reference to one that looks the same.
enum Shown<'a> {
    Whole(&'a Act),
    Like(&'a Act, &'a str),
}

/// Of several pods of one workload only the first is shown in full: the others differ in their names.
fn select(played: &[Played]) -> Vec<Shown<'_>> {
    let mut shown = Vec::new();
    for document in played {
        let mut first: Option<&Act> = None;
        for act in &document.acts {
            match first {
                Some(first) if act.preview && act.admitted.refusal.is_none() => {
                    shown.push(Shown::Like(act, &first.title));
                }
                _ => {
                    first = first.or(act.preview.then_some(act));
                    shown.push(Shown::Whole(act));
                }
            }
        }
    }
    shown
}

fn scene(out: &mut impl Write, act: &Act) -> anyhow::Result<()> {
    let made = if act.preview { " (as its controller makes it)" } else { "" };
    let admitted = &act.admitted;
    if admitted.operations == 0 && admitted.refusal.is_none() {
        writeln!(out, "{TITLE}{}{TITLE:#}{made}: left as it is; what is not dkron's is not even sent", act.title)?;
    } else {
        writeln!(out, "{TITLE}{}{TITLE:#}{made}: {} operations", act.title, admitted.operations)?;
    }
    for warning in &admitted.warnings {
        writeln!(out, "  {WARNING}Warning: {warning}{WARNING:#}")?;
    }
    if let Some(refusal) = &admitted.refusal {
        writeln!(out, "  {ERROR}refused: {refusal}{ERROR:#}")?;
    }
    diff::write(out, &to_yaml(&act.before.json)?, &to_yaml(&admitted.json)?)?;
    writeln!(out)?;
    Ok(())
}

fn times(out: &mut impl Write, times: &[Duration]) -> io::Result<()> {
    let mut sorted = times.to_vec();
    sorted.sort();
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return writeln!(out, "Nothing here is dkron: no review was sent.");
    };
    let median = sorted[sorted.len() / 2];
    let us = Duration::as_micros;
    writeln!(
        out,
        "Reviews over one connection: {}. Round trips: {} µs least, {} µs median, {} µs most.",
        sorted.len(),
        us(least),
        us(&median),
        us(most)
    )
}

fn farewell(out: &mut impl Write, namespace: &str) -> io::Result<()> {
    writeln!(
        out,
        "
To have this in a cluster, install once, then opt a namespace in:
  dkron-ha manifests --image IMAGE | kubectl apply -f -
  kubectl label namespace {namespace} dkron-ha.io/injection=enabled
IMAGE is one that you have built and pushed; the README tells how, and what this version does not do yet."
    )
}
