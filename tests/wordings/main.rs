//! Bounces in words, in the form that mail systems write, and what only looks like one.

use suppressd::event::Kind;

mod bystanders;
mod systems;

const HARD: Kind = Kind::HardBounce;
const SOFT: Kind = Kind::SoftBounce;
