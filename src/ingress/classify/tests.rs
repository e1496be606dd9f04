use super::*;

fn hears(text: &str) -> Verdict {
    judge(&Facts { text, recipient: "bob@example.com", action: Action::Failed, ..Facts::default() })
}

#[test]
fn every_rule_fires_on_its_own_example() {
    for rule in RULES {
        let example = &rule.example;
        let facts = Facts {
            text: example.text,
            recipient: "bob@example.com",
            status: EnhancedStatus::parse(example.status),
            stage: example.stage,
            speaker: example.speaker,
            action: Action::Failed,
            reply_code: None,
        };
        let verdict = judge(&facts);
        assert_eq!(verdict.rule, rule.name, "{}", example.text);
        assert_eq!((verdict.class, verdict.reason), (rule.class, rule.reason), "{}", example.text);
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<_> = RULES.iter().map(|r| r.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn phrases_are_in_plain_form() {
    for phrase in RULES.iter().flat_map(|r| r.phrases) {
        assert_eq!(*phrase, phrase.to_lowercase(), "{phrase}");
        assert!(phrase.trim_matches('*').len() >= 3, "{phrase}");
    }
}

#[test]
fn hard_needs_a_permanent_reply() {
    assert_eq!(hears("550 5.1.1 user unknown").class, Class::Hard);
    assert_eq!(hears("450 4.1.1 user unknown").class, Class::Soft);
    assert_eq!(hears("450 user unknown").class, Class::Soft);
}

#[test]
fn nothing_said_is_never_hard() {
    for text in ["", "550", "554 5.0.0", "Ẁ\u{0}\u{fffd}", "5.1.", "@", "<>", "550-"] {
        assert_ne!(hears(text).class, Class::Hard, "{text}");
    }
}
