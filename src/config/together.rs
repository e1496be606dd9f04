//! What settings must not say together, though each of them may be said.

use toml_edit::Item;

use super::{Config, Source};
use crate::policy::Rule;
use crate::socket::ListenAddress;

const DAY: i64 = 86_400;

impl Source<'_> {
    pub(super) fn refuse_together(&mut self, config: &Config) {
        self.refuse_short_memory(config);
        self.refuse_unknown_streams(config);
        self.refuse_shared_addresses(config);
        self.refuse_too_many_days(config);
    }

    /// What a rule looks back on must not be deleted before.
    fn refuse_short_memory(&mut self, config: &Config) {
        let rules = &config.policy;
        let longest = [&rules.hard, &rules.soft, &rules.complaint, &rules.unsubscribe].map(|rule| rule.within);
        let longest = longest.into_iter().max().unwrap_or_default();
        if config.privacy.keep < longest {
            let days = longest.as_hours() / 24;
            let at = self.item("privacy", "keep").and_then(Item::span);
            self.note(at, &format!("privacy.keep: the rules of [policy] look back {days} days; write {days}d or more"));
        }
    }

    fn refuse_unknown_streams(&mut self, config: &Config) {
        let known = |name: &str| name.is_empty() || config.policy.streams.iter().any(|stream| stream.name == name);
        let tables = config.lookup.tcp_table.iter().map(|table| ("lookup", "tcp-table", &table.table));
        let files = config.export.files.iter().map(|file| ("export", "files", &file.table));
        for (section, name, table) in tables.chain(files).filter(|(.., table)| !known(&table.stream)) {
            let at = self.item(section, name).and_then(Item::span);
            self.note(at, &format!("{section}.{name}: there is no [[stream]] {}", table.stream));
        }
    }

    /// Only one can listen there; the other would be missed when the daemon starts, or never answer.
    fn refuse_shared_addresses(&mut self, config: &Config) {
        let all = listening(config);
        for (nth, ((section, name), address)) in all.iter().enumerate() {
            let Some(((other, other_name), _)) = all.iter().take(nth).find(|(_, taken)| taken == address) else {
                continue;
            };
            if matches!(address, ListenAddress::Tcp(address) if address.port() == 0) {
                continue;
            }
            let at = self.item(section, name).or(self.item(other, other_name)).and_then(Item::span);
            let what = format!("{address} is {other}.{other_name}'s already; write an address of its own");
            self.note(at, &format!("{section}.{name}: {what}"));
        }
    }

    /// A rule that can never be met suppresses nobody, and nothing would say so.
    fn refuse_too_many_days(&mut self, config: &Config) {
        let rules = &config.policy;
        for (section, rule) in [
            ("policy.hard", &rules.hard),
            ("policy.soft", &rules.soft),
            ("policy.complaint", &rules.complaint),
            ("policy.unsubscribe", &rules.unsubscribe),
        ] {
            let (wanted, most) = (i64::from(rule.on_days), most_days(rule));
            if rule.after == 0 || wanted <= most {
                continue;
            }
            let at = self.item(section, "on-days").or(self.item(section, "within")).and_then(Item::span);
            let what = format!("what lies within {section}.within falls on {most} days at most; write {most}");
            self.note(at, &format!("{section}.on-days: {what}, or within = \"{wanted}d\""));
        }
    }
}

/// Every address that is listened on, under its setting.
fn listening(config: &Config) -> Vec<((&'static str, &'static str), &ListenAddress)> {
    let lists = [
        (("http", "listen"), &config.http.listen),
        (("admin", "listen"), &config.admin),
        (("lookup", "socketmap"), &config.lookup.socketmap),
        (("lookup", "policy"), &config.lookup.policy),
        (("mail", "lmtp"), &config.mail.lmtp),
    ];
    let tables = config.lookup.tcp_table.iter().map(|table| (("lookup", "tcp-table"), &table.listen));
    lists.into_iter().flat_map(|(name, list)| list.iter().map(move |at| (name, at))).chain(tables).collect()
}

/// Days (UTC) that events within the time of a rule can fall on: a time of 24 hours touches two.
const fn most_days(rule: &Rule) -> i64 {
    (rule.within.as_secs() + DAY - 1) / DAY + 1
}
