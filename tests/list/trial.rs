//! What other rules would do, before they do it.

use suppressd::config::Config;
use suppressd::event::Kind;
use suppressd::store::Difference;

use super::bench::Bench;

fn differences(bench: &mut Bench, rules: &str) -> Vec<String> {
    let rules = Config::parse(rules, "new.toml").unwrap().policy;
    let mut found = Vec::new();
    let each = |difference: Difference| {
        let what = match (&difference.now, &difference.then) {
            (None, _) => "added",
            (_, None) => "released",
            _ => "changed",
        };
        found.push(format!(
            "{} {}{what}",
            difference.address,
            if difference.stream.is_empty() { "" } else { "stream " }
        ));
        true
    };
    bench.store.try_rules(&rules, bench.now, each).unwrap();
    found
}

#[test]
fn the_rules_in_force_make_no_difference_and_others_tell_theirs_writing_nothing() {
    let mut bench = Bench::new("");
    bench.see(Kind::HardBounce, "hard@example.com", "2026-11-20T08");
    bench.see(Kind::SoftBounce, "soft@example.com", "2026-11-20T08");
    bench.see(Kind::SoftBounce, "soft@example.com", "2026-11-21T08");
    let mut complaint = bench.event(Kind::Complaint, "news@example.com", "2026-11-20T08");
    complaint.evidence.sender = Some("letter@example.org".into());
    bench.take(complaint);
    bench.sql().execute("INSERT INTO suppression (address) VALUES ('manual@example.com')", []).unwrap();
    let before = bench.list();
    assert_eq!(differences(&mut bench, ""), [""; 0]);
    assert_eq!(differences(&mut bench, "[policy]\nprofile = \"gentle\"\n"), ["hard@example.com released"]);
    assert_eq!(
        differences(&mut bench, "[policy.hard]\nsuppress-for = \"30d\"\n[policy.soft]\nafter = 2\non-days = 2\n"),
        ["hard@example.com changed", "soft@example.com added"]
    );
    assert_eq!(
        differences(&mut bench, "[[stream]]\nname = \"news\"\nsenders = [\"@example.org\"]\n"),
        ["news@example.com released", "news@example.com stream added"]
    );
    assert_eq!(
        differences(&mut bench, "[policy]\nprotected = [\"@example.com\"]\n"),
        ["hard@example.com released", "news@example.com released"]
    );
    assert_eq!(bench.list(), before);
}
