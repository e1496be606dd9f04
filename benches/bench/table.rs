//! What was measured, beside what, and whether it is good enough.

use std::path::Path;

use serde_json::{Value, json};

/// What a figure is held against.
#[derive(Clone, Copy)]
pub enum Goal {
    /// The ratio to the peer.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// The figure itself.
    AtLeast(f64),
    AtMost(f64),
    /// Only stated.
    None,
}

struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    against: Option<(String, f64)>,
    ratio: Option<f64>,
    goal: Goal,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Row {
    fn met(&self) -> Option<bool> {
        let ratio = self.ratio.unwrap_or(f64::NAN);
        match self.goal {
            Goal::RatioAtLeast(goal) => Some(ratio >= goal),
            Goal::RatioAtMost(goal) => Some(ratio <= goal),
            Goal::AtLeast(goal) => Some(self.value >= goal),
            Goal::AtMost(goal) => Some(self.value <= goal),
            Goal::None => None,
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::RatioAtLeast(goal) => format!("ratio >= {goal}"),
            Goal::RatioAtMost(goal) => format!("ratio <= {goal}"),
            Goal::AtLeast(goal) => format!(">= {goal}"),
            Goal::AtMost(goal) => format!("<= {goal}"),
            Goal::None => String::new(),
        }
    }

    fn against(&self) -> String {
        self.against.as_ref().map(|(name, value)| format!("{name} {}", short(*value))).unwrap_or_default()
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "value": self.value, "unit": self.unit, "against": self.against(),
            "ratio": self.ratio, "goal": self.goal(), "met": self.met(),
        })
    }
}

impl Table {
    /// A figure by itself.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.push(Row { name: name.into(), value, unit, against: None, ratio: None, goal });
    }

    /// A figure beside that of a peer, from rounds in which both had their turn: medians, and the median of the ratios.
    pub fn beside(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        peer: &str,
        rounds: &[(f64, f64)],
        goal: Goal,
    ) {
        let value = median(rounds.iter().map(|(ours, _)| *ours));
        let against = Some((peer.to_owned(), median(rounds.iter().map(|(_, theirs)| *theirs))));
        let ratio = Some(median(rounds.iter().map(|(ours, theirs)| ours / theirs)));
        self.push(Row { name: name.into(), value, unit, against, ratio, goal });
    }

    fn push(&mut self, row: Row) {
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Prints it whole, and writes it as JSON.
    pub fn finish(&self, file: &Path) {
        println!("\n{}", "-".repeat(120));
        self.rows.iter().for_each(|row| println!("{}", line(row)));
        let missed = self.rows.iter().filter(|row| row.met() == Some(false)).count();
        let goals = self.rows.iter().filter(|row| row.met().is_some()).count();
        println!("{} of {goals} goals met", goals - missed);
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        std::fs::write(file, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    }
}

fn line(row: &Row) -> String {
    let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let met = row.met().map_or("", |met| if met { "met" } else { "NOT MET" });
    let value = format!("{} {}", short(row.value), row.unit);
    format!("{:<58} {value:>16}  {:<30} {ratio:>6}  {:<14} {met}", row.name, row.against(), row.goal())
}

/// Three digits that matter.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
