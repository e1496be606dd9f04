//! How much is tried, from the environment. The defaults are for `make check`.

use std::time::Duration;

/// `FAULTS_KILLS`: how often the daemon is killed.
pub fn kills() -> u64 {
    number("FAULTS_KILLS", 50)
}

/// `FAULTS_SEED`: of the moments at which it is killed, and of the bytes that are damaged.
pub fn seed() -> u64 {
    number("FAULTS_SEED", 20_261_121)
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => default,
    }
}

/// `FAULTS_SECONDS`: how long a fault lasts.
pub fn duration() -> Duration {
    Duration::from_secs(number("FAULTS_SECONDS", 2))
}

/// `FAULTS_CONNECTIONS`: how many connections flood a door.
pub fn connections() -> u64 {
    number("FAULTS_CONNECTIONS", 2000)
}

/// `FAULTS_SOAK`: how many seconds of mixed load.
pub fn soak() -> Duration {
    Duration::from_secs(number("FAULTS_SOAK", 10))
}

/// Numbers that only look random: the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `0..end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
