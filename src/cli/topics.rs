//! `suppressd topics`: which SNS topics are yours.

use std::io::Write;

use super::{Failure, json, now, open_of, shown};
use crate::config::Config;
use crate::event::printable;
use crate::ingress::sns::subscription::SubscribeUrl;
use crate::server::webhooks;
use crate::store::{Store, TopicChange, TopicEntry};
use crate::topic::TopicArn;

/// Show and decide which SNS topics are yours
///
/// Without a command, the topics are listed that are allowed, denied, or waiting for your word.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Let a topic's messages count, and confirm its pending subscription
    ///
    /// Exit status 2 if the subscription could not be confirmed; the topic is allowed even so.
    ///
    /// Let your own topic in:
    ///
    /// suppressd topics allow arn:aws:sns:eu-west-1:123456789012:ses-feedback
    Allow {
        /// The ARN of the topic
        arn: String,
    },
    /// Refuse a topic's messages, even if the configuration names it
    Deny {
        /// The ARN of the topic
        arn: String,
    },
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut store = open_of(config)?;
    match &args.what {
        None => list(&store, config, args.json, out),
        Some(What::Allow { arn }) => allow(&mut store, config, arn, out),
        Some(What::Deny { arn }) => {
            let arn = parse(arn)?.to_string();
            store.change_topic(&TopicChange::Decided { arn: arn.clone(), allowed: false }, now())?;
            writeln!(out, "{arn} denied")?;
            Ok(0)
        }
    }
}

fn list(store: &Store, config: &Config, as_json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut topics = store.topics()?;
    let is_configured = |arn: &String| config.sns.topics.contains(arn);
    for topic in topics.iter_mut().filter(|topic| topic.state == "pending" && is_configured(&topic.arn)) {
        topic.state = "allowed".into();
    }
    let configured = config.sns.topics.iter().filter(|arn| !store_has(&topics, arn)).map(|arn| TopicEntry {
        arn: arn.clone(),
        state: "allowed".into(),
        since: "configuration".into(),
        confirmed: None,
        subscribe_url: None,
    });
    let configured: Vec<_> = configured.collect();
    topics.extend(configured);
    for topic in topics {
        if as_json {
            json(out, &topic)?;
        } else {
            let confirmed = topic.confirmed.map_or_else(String::new, |at| format!(", confirmed {}", shown(&at)));
            let [state, arn, since] = [&topic.state, &topic.arn, &topic.since].map(|text| shown(text));
            writeln!(out, "{state:<8} {arn} since {since}{confirmed}")?;
        }
    }
    Ok(0)
}

fn store_has(topics: &[TopicEntry], arn: &str) -> bool {
    topics.iter().any(|topic| topic.arn == arn)
}

/// Remembers the decision first: it holds even if the subscription can't be confirmed now.
fn allow(store: &mut Store, config: &Config, arn: &str, out: &mut dyn Write) -> Result<u8, Failure> {
    let topic = parse(arn)?;
    let known = store.topics()?.into_iter().find(|entry| entry.arn == arn);
    let is_confirmed = known.as_ref().is_some_and(|entry| entry.confirmed.is_some());
    let pending = known.and_then(|entry| entry.subscribe_url);
    store.change_topic(&TopicChange::Decided { arn: arn.to_owned(), allowed: true }, now())?;
    writeln!(out, "{arn} allowed")?;
    let Some(url) = pending else {
        if !is_confirmed {
            writeln!(
                out,
                "no subscription of it waits for confirmation; where SNS shows one as pending, request it again"
            )?;
        }
        return Ok(0);
    };
    confirm(&url, &topic, config).map_err(|why| {
        Failure::Usage(format!(
            "its pending subscription could not be confirmed: {why}; let SNS send the request again"
        ))
    })?;
    store.change_topic(&TopicChange::Confirmed { arn: arn.to_owned() }, now())?;
    writeln!(out, "subscription confirmed")?;
    Ok(0)
}

fn parse(arn: &str) -> Result<TopicArn, Failure> {
    TopicArn::parse(arn).ok_or_else(|| Failure::Usage(format!("\"{}\" is not an SNS topic's ARN", printable(arn, 100))))
}

/// Visits the URL that was kept, after checking it once more.
fn confirm(url: &str, topic: &TopicArn, config: &Config) -> Result<(), String> {
    let url = SubscribeUrl::parse_kept(url, topic).map_err(|error| error.to_string())?;
    let fetcher = webhooks::fetcher(&config.sns, &webhooks::trust(&config.sns)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(fetcher.get(url.as_str())).map(drop).map_err(|error| error.to_string())
}
