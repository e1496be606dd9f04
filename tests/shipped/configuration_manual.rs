//! suppressd.toml(5) and the sample file come from the one table of parameters.
//!
//! `UPDATE=1 cargo test --test shipped` writes them anew.

use suppressd::config::{Config, manual, sample};

use super::{read, shipped};

const MANUAL: &str = "man/suppressd.toml.5";
const SAMPLE: &str = "packaging/suppressd.toml";

fn hold_equal(path: &str, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(shipped(path), wanted).unwrap();
    }
    assert!(read(path) == wanted, "{path} is out of date; run: UPDATE=1 cargo test --test shipped");
}

#[test]
fn the_manual_has_every_parameter_of_the_table() {
    let page = read(MANUAL);
    let (begin, end) = (".\\\" begin\n", ".\\\" end\n");
    let (head, rest) = page.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    hold_equal(MANUAL, &format!("{head}{begin}{}{end}{tail}", manual()));
}

#[test]
fn the_sample_is_what_config_default_prints() {
    hold_equal(SAMPLE, &sample());
    let printed = super::run(std::process::Command::new(super::SUPPRESSD).args(["config", "default"]));
    assert_eq!(printed, sample());
}

#[test]
fn the_examples_of_the_manual_are_valid() {
    let page = read(MANUAL);
    let (_, examples) = page.split_once(".Sh EXAMPLES\n").unwrap();
    let examples: Vec<_> = examples.split(".Bd ").skip(1).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let text = example.split_once('\n').unwrap().1.split_once(".Ed").unwrap().0;
        assert_eq!(Config::parse(text, "example").map(drop).map_err(|error| error.to_string()), Ok(()), "{text}");
    }
}
