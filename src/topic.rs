//! Names of SNS topics, and what Amazon's naming makes of their region: the host of its SNS, the name in its
//! signing certificate.
//!
//! A topic name is ASCII and told apart by case; anything else is refused, so that no two spellings are one topic.
//! Regions are held to the patterns of botocore's `partitions.json`, so that a region added tomorrow works and
//! `sns.s3-us-west-2.amazonaws.com`, somebody's bucket called "sns", does not.

use std::fmt;

/// Longest topic name. SNS API, CreateTopic.
const MAX_NAME: usize = 256;

/// `arn:<partition>:sns:<region>:<account>:<name>`, checked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TopicArn {
    text: String,
    region: String,
    partition: &'static Partition,
}

/// A separate cloud with its own names.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Partition {
    name: &'static str,
    /// What stands before the compass direction in its regions, as `eu` in `eu-west-1`.
    areas: &'static [&'static str],
    dns_suffix: &'static str,
}

/// From botocore `partitions.json`; only the first three can be reached from outside their own networks.
static PARTITIONS: [Partition; 8] = [
    Partition {
        name: "aws",
        areas: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        dns_suffix: "amazonaws.com",
    },
    Partition { name: "aws-cn", areas: &["cn"], dns_suffix: "amazonaws.com.cn" },
    Partition { name: "aws-us-gov", areas: &["us-gov"], dns_suffix: "amazonaws.com" },
    Partition { name: "aws-iso", areas: &["us-iso"], dns_suffix: "c2s.ic.gov" },
    Partition { name: "aws-iso-b", areas: &["us-isob"], dns_suffix: "sc2s.sgov.gov" },
    Partition { name: "aws-iso-e", areas: &["eu-isoe"], dns_suffix: "cloud.adc-e.uk" },
    Partition { name: "aws-iso-f", areas: &["us-isof"], dns_suffix: "csp.hci.ic.gov" },
    Partition { name: "aws-eusc", areas: &["eusc-de"], dns_suffix: "amazonaws.eu" },
];

const DIRECTIONS: [&str; 9] =
    ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];

/// Regions whose signing certificate is named `sns.amazonaws.com`. Every later one has a name of its own.
/// aws-sdk-java-v2, `SnsHostProvider`.
const SHARED_NAME: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-south-1",
    "ca-central-1",
    "sa-east-1",
];

impl TopicArn {
    /// Parses a topic's ARN; `None` for anything that is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut next = || parts.next();
        let ("arn", partition, "sns", region, account, name) = (next()?, next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        let partition = PARTITIONS.iter().find(|p| p.name == partition)?;
        let valid = next().is_none() && partition.has_region(region) && is_account(account) && is_name(name);
        valid.then(|| Self { text: text.to_owned(), region: region.to_owned(), partition })
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The region, as in `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The one host that serves this topic's certificates and subscriptions: `sns.<region>.<suffix>`.
    #[must_use]
    pub fn sns_host(&self) -> String {
        format!("sns.{}.{}", self.region, self.partition.dns_suffix)
    }

    /// The common name that the signing certificate of this topic's region must have.
    ///
    /// aws-sdk-java-v2, `SnsHostProvider`; for the isoe and isof partitions, which its table does not spell out, the
    /// pattern of the later regions is taken.
    #[must_use]
    pub fn signing_name(&self) -> String {
        let (region, suffix) = (&self.region, self.partition.dns_suffix);
        match self.partition.name {
            "aws" if SHARED_NAME.contains(&region.as_str()) => "sns.amazonaws.com".to_owned(),
            "aws-us-gov" => "sns-us-gov-west-1.amazonaws.com".to_owned(),
            "aws-cn" | "aws-iso" | "aws-iso-b" => format!("sns-{region}.{suffix}"),
            _ => format!("sns-signing.{region}.{suffix}"),
        }
    }
}

impl Partition {
    fn has_region(&self, region: &str) -> bool {
        let Some((place, number)) = region.rsplit_once('-') else { return false };
        let Some((area, direction)) = place.rsplit_once('-') else { return false };
        let number = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        number && self.areas.contains(&area) && DIRECTIONS.contains(&direction)
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A FIFO topic's name ends in `.fifo`; SNS does not deliver those over HTTP, so the dot is refused here.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(region: &str, partition: &str) -> TopicArn {
        TopicArn::parse(&format!("arn:{partition}:sns:{region}:123456789012:topic")).unwrap()
    }

    #[test]
    fn hosts_and_certificate_names_follow_the_region() {
        for (partition, region, host, name) in [
            ("aws", "us-east-1", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com"),
            ("aws", "ca-central-1", "sns.ca-central-1.amazonaws.com", "sns.amazonaws.com"),
            ("aws", "eu-south-2", "sns.eu-south-2.amazonaws.com", "sns-signing.eu-south-2.amazonaws.com"),
            ("aws", "mx-central-1", "sns.mx-central-1.amazonaws.com", "sns-signing.mx-central-1.amazonaws.com"),
            ("aws-cn", "cn-north-1", "sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"),
            ("aws-us-gov", "us-gov-east-1", "sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"),
            ("aws-iso", "us-iso-east-1", "sns.us-iso-east-1.c2s.ic.gov", "sns-us-iso-east-1.c2s.ic.gov"),
            (
                "aws-eusc",
                "eusc-de-east-1",
                "sns.eusc-de-east-1.amazonaws.eu",
                "sns-signing.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            let topic = arn(region, partition);
            assert_eq!((topic.sns_host().as_str(), topic.signing_name().as_str()), (host, name));
        }
    }

    #[test]
    fn what_is_not_exactly_a_topic_is_refused() {
        for bad in [
            "",
            "arn:aws:sns:us-east-1:123456789012",
            "arn:aws:sns:us-east-1:123456789012:topic:subscription",
            "arn:aws:sqs:us-east-1:123456789012:topic",
            "arn:aws:sns:s3-us-west-2:123456789012:topic",
            "arn:aws:sns:us-evil-1:123456789012:topic",
            "arn:aws:sns:us-east-1.evil:123456789012:topic",
            "arn:aws:sns:us-gov-west-1:123456789012:topic",
            "arn:aws-cn:sns:us-east-1:123456789012:topic",
            "arn:aws:sns:US-EAST-1:123456789012:topic",
            "arn:aws:sns:us-east-1:12345678901:topic",
            "arn:aws:sns:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:topic",
            "arn:aws:sns:us-east-1:123456789012:tоpic",
            "arn:aws:sns:us-east-1:123456789012:top ic",
            "arn:aws:sns:us-east-1:123456789012:topic\n",
            "arn:aws:sns:us-east-1:123456789012:",
            "ARN:aws:sns:us-east-1:123456789012:topic",
        ] {
            assert_eq!(TopicArn::parse(bad), None, "{bad:?}");
        }
    }
}
