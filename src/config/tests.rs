use super::*;
use crate::policy::Then;

fn errors(text: &str) -> Vec<String> {
    match Config::parse(text, "suppressd.toml") {
        Ok(_) => Vec::new(),
        Err(ConfigError(lines)) => lines,
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = Config::parse("", "suppressd.toml").unwrap();
    assert_eq!(config.database, PathBuf::from("/var/lib/suppressd/suppressd.db"));
    assert_eq!(config.policy, Rules::default());
    assert_eq!(config.sns.path, "/sns");
}

#[test]
fn the_sample_file_is_the_defaults_and_stays_valid_with_everything_switched_on() {
    let defaults = Config::parse("", "suppressd.toml").unwrap();
    assert_eq!(Config::parse(&sample(), "suppressd.toml"), Ok(defaults));
    let on: String = sample().lines().map(|l| l.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(l)).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    );
    assert_eq!(errors(&on), [""; 0]);
    for parameter in PARAMETERS {
        assert!(on.contains(&format!("\n{} = ", parameter.name)), "{}", parameter.name);
    }
}

#[test]
fn every_parameter_of_the_table_is_read() {
    for parameter in PARAMETERS {
        let (section, name) = (parameter.section, parameter.name);
        let text = match section {
            "" => format!("{name} = 1.5"),
            STREAM => format!("[[{section}]]\n{name} = 1.5"),
            _ => format!("[{section}]\n{name} = 1.5"),
        };
        let found = errors(&text);
        assert!(found.iter().any(|e| e.contains(&dotted(section, name))), "{name} takes anything: {found:?}");
    }
}

#[test]
fn every_error_is_reported_at_once_with_line_name_and_remedy() {
    let text = "databse = \"/x.db\"\n\n[policy.soft]\nwithin = \"3 weeks\"\nafter = -1\n[lookup]\nmode = \"dry\"\n[what.ever]\n";
    assert_eq!(
        errors(text),
        [
            "suppressd.toml:1: databse: no such setting; did you mean database?",
            "suppressd.toml:4: policy.soft.within: \"3 weeks\" is not a duration; write 21d",
            "suppressd.toml:5: policy.soft.after: -1 is not a number from 0 to 1000000; write it without quotes",
            "suppressd.toml:7: lookup.mode: \"dry\" is not one of the choices; write \"enforce\" or \"warn\"",
            "suppressd.toml:8: what: no such setting",
        ]
    );
}

#[test]
fn broken_toml_names_its_line() {
    let found = errors("[http]\nlisten = [\n");
    assert!(
        found[0].starts_with("suppressd.toml:2: not TOML") || found[0].starts_with("suppressd.toml:3: not TOML"),
        "{found:?}"
    );
}

#[test]
fn tables_may_be_written_inline_or_as_sections() {
    let inline = "[http]\ntls = { certificate = \"/c.pem\", key = \"/k.pem\" }\n";
    let section = "[http.tls]\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"\n";
    let parsed = Config::parse(inline, "x").unwrap();
    assert_eq!(parsed.http.tls, Some(Tls { certificate: "/c.pem".into(), key: "/k.pem".into() }));
    assert_eq!(Config::parse(section, "x").unwrap(), parsed);
}

#[test]
fn an_empty_ladder_is_refused() {
    assert_eq!(
        errors("[policy.hard]\nsuppress-for = []\n"),
        ["suppressd.toml:2: policy.hard.suppress-for: an empty list says nothing; write \"forever\""]
    );
}

#[test]
fn the_effective_configuration_is_itself_a_configuration() {
    let text = "[lookup]\nmode = \"warn\"\n";
    assert_eq!(Config::parse(&show(text), "x"), Config::parse(text, "x"));
    assert!(show(text).contains("mode = \"warn\"\n"));
    let lines =
        "[lookup]\nsocket-owner = \"\"\"\n/x\\\"\ny\"\"\"\n[policy]\nprotected = [\n'''\n@example.org''', # ours\n]\n";
    assert_eq!(Config::parse(&show(lines), "x"), Config::parse(lines, "x"));
    assert!(show(lines).contains("socket-owner = \"/x\\\"\\u000ay\"\n"), "{}", show(lines));
}

#[test]
fn a_return_path_without_user_and_domain_is_refused() {
    assert_eq!(
        errors("[mail]\nverp = [\"bounces+{user}\"]\n"),
        ["suppressd.toml:2: mail.verp: \"bounces+{user}\" is not a return path; write \"bounces+{user}={domain}\""]
    );
}

#[test]
fn a_profile_sets_the_defaults_and_the_file_goes_before_it() {
    let rules = |text: &str| Config::parse(text, "x").unwrap().policy;
    assert_eq!(rules("[policy]\nprofile = \"ses\"\n"), Rules::default());
    let listmonk = rules("[policy]\nprofile = \"listmonk\"\n");
    assert_eq!((listmonk.soft.after, listmonk.soft.then), (2, Then::Record));
    assert_eq!((&listmonk.hard, &listmonk.complaint), (&Rules::default().hard, &Rules::default().complaint));
    let gentle = rules("[policy]\nprofile = \"gentle\"\n[policy.hard]\nafter = 3\n");
    assert_eq!((gentle.hard.after, gentle.hard.on_days, gentle.soft.after), (3, 2, 8));
    let shown = show("[policy]\nprofile = \"listmonk\"\n");
    assert!(shown.contains("[policy.soft]\nafter = 2  # default"), "{shown}");
    for (_, section, name, _) in PROFILES {
        assert!(PARAMETERS.iter().any(|p| p.section == *section && p.name == *name), "{section}.{name}");
    }
}

#[test]
fn streams_are_read_in_order_and_every_mistake_is_told() {
    let text = "[[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n[[stream]]\nname = \"shop\"\n\
                headers = [\"List-Id: *shop*\"]\n";
    let names = |config: Config| config.policy.streams.into_iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(names(Config::parse(text, "x").unwrap()), ["news", "shop"]);
    assert_eq!(Config::parse(&show(text), "x"), Config::parse(text, "x"));
    let wrong = "[[stream]]\nname = \"News!\"\n[[stream]]\nsenders = [\"x\"]\n[[stream]]\nname = \"a\"\nnmae = 1\n\
                 [[stream]]\nname = \"a\"\n[lookup]\ntcp-table = [{ listen = \"127.0.0.1:1\", map = \"access/b\" }]\n";
    assert_eq!(
        errors(wrong),
        [
            "suppressd.toml:2: stream.name: \"News!\" is not a name; write small letters, digits, - and _",
            "suppressd.toml:3: stream.name: each stream needs one",
            "suppressd.toml:4: stream.senders: \"x\" is not a pattern; write user@domain, @domain, @.domain or user@",
            "suppressd.toml:7: stream.nmae: no such setting; did you mean stream.name?",
            "suppressd.toml:9: stream.name: there are two streams a",
            "suppressd.toml:11: lookup.tcp-table: there is no [[stream]] b",
        ]
    );
    assert_eq!(
        errors("[stream]\nname = \"a\"\n"),
        ["suppressd.toml:1: stream: write [[stream]] above the settings of each"]
    );
}

#[test]
fn what_the_rules_look_back_on_must_be_kept() {
    assert_eq!(
        errors("[policy.soft]\nwithin = \"30d\"\n[privacy]\nkeep = \"20d\"\n"),
        ["suppressd.toml:4: privacy.keep: the rules of [policy] look back 30 days; write 30d or more"]
    );
}

#[test]
fn what_would_serve_nobody_is_refused() {
    for section in ["lookup", "http"] {
        let sentence = "max-connections: 0 is not a number from 1 to 1000000; write 1 or more";
        assert_eq!(
            errors(&format!("[{section}]\nmax-connections = 0\n")),
            [format!("suppressd.toml:2: {section}.{sentence}")]
        );
    }
    assert_eq!(
        errors("[sns]\ntopics = [\"ses-feedback\"]\n"),
        ["suppressd.toml:2: sns.topics: \"ses-feedback\" is not an SNS topic's ARN; write one like \
          \"arn:aws:sns:eu-west-1:123456789012:ses-feedback\""]
    );
}

#[test]
fn an_address_is_listened_on_once() {
    for (text, told) in [
        (
            "[admin]\nlisten = \"127.0.0.1:8025\"\n",
            "suppressd.toml:2: admin.listen: 127.0.0.1:8025 is http.listen's already; write an address of its own",
        ),
        (
            "[lookup]\nsocketmap = \"unix:/s\"\n[mail]\nlmtp = \"unix:/s\"\n",
            "suppressd.toml:4: mail.lmtp: unix:/s is lookup.socketmap's already; write an address of its own",
        ),
        (
            "[lookup]\ntcp-table = [{ listen = \"[::1]:1\", map = \"access\" }, { listen = \"[::1]:1\", map = \"transport\" }]\n",
            "suppressd.toml:2: lookup.tcp-table: [::1]:1 is lookup.tcp-table's already; write an address of its own",
        ),
    ] {
        assert_eq!(errors(text), [told]);
    }
    assert_eq!(errors("[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"), [""; 0]);
}

#[test]
fn a_rule_asks_for_no_more_days_than_fit_into_its_time() {
    assert_eq!(
        errors("[policy.hard]\nafter = 3\nwithin = \"24h\"\non-days = 3\n"),
        ["suppressd.toml:4: policy.hard.on-days: what lies within policy.hard.within falls on 2 days at most; \
          write 2, or within = \"3d\""]
    );
    assert_eq!(
        errors("[policy]\nprofile = \"gentle\"\n[policy.soft]\nwithin = \"3d\"\n"),
        ["suppressd.toml:4: policy.soft.on-days: what lies within policy.soft.within falls on 4 days at most; \
          write 4, or within = \"5d\""]
    );
    for fine in [
        "[policy.hard]\nafter = 3\nwithin = \"24h\"\non-days = 2\n",
        "[policy.hard]\nafter = 3\nwithin = \"25h\"\non-days = 3\n",
        "[policy.soft]\nafter = 0\nwithin = \"1h\"\n",
        "[policy]\nprofile = \"listmonk\"\n[policy.soft]\nwithin = \"1h\"\n",
    ] {
        assert_eq!(errors(fine), [""; 0], "{fine}");
    }
    for profile in ["ses", "listmonk", "gentle"] {
        assert_eq!(errors(&format!("[policy]\nprofile = \"{profile}\"\n")), [""; 0]);
    }
}

#[test]
fn a_stream_is_told_by_what_is_kept_of_reports() {
    let stream = |field: &str| format!("[[stream]]\nname = \"a\"\nheaders = [\"{field}\"]\n");
    for lost in ["X-My-Stream: news", "subject: *", "Reply-To: news@example.org"] {
        let told = errors(&stream(lost)).remove(0);
        let wanted = format!(
            "suppressd.toml:3: stream.headers: \"{lost}\" is not a field that is kept of reports; write one of List-Id, "
        );
        assert!(told.starts_with(&wanted) && told.ends_with(", X-SES-Message-Tags, or a tag of SES"), "{told}");
    }
    for kept in
        ["list-id: *", "x-mautic-id: 1", "X-SES-CONFIGURATION-SET: a", "campaign: spring", "ses:from-domain: a.example"]
    {
        assert_eq!(errors(&stream(kept)), [""; 0], "{kept}");
    }
    let headers = PARAMETERS.iter().find(|p| (p.section, p.name) == (STREAM, "headers")).unwrap();
    for kept in crate::event::KEPT_HEADERS {
        assert!(headers.text.contains(&format!(" {kept}")), "{kept}");
    }
}
