//! JSON in which everything may be missing: what is not there, or not of the type asked for, is nothing.

use jiff::Timestamp;
use serde_json::Value;

/// A value, or nothing (null).
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(pub &'a Value);

impl<'a> Json<'a> {
    /// The field of an object; nothing where there is none.
    pub fn get(self, name: &str) -> Self {
        Self(self.0.get(name).unwrap_or(&Value::Null))
    }

    /// The text itself.
    pub fn as_text(self) -> Option<&'a str> {
        self.0.as_str()
    }

    /// A text field.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).as_text()
    }

    /// The entries of a list; a single text or object counts as a list of one.
    pub fn list(self) -> impl Iterator<Item = Json<'a>> {
        let one = matches!(self.0, Value::String(_) | Value::Object(_)).then_some(self.0);
        one.into_iter().chain(self.0.as_array().into_iter().flatten()).map(Json)
    }

    /// The fields of an object, by name.
    pub fn fields(self) -> impl Iterator<Item = (&'a str, Json<'a>)> {
        self.0.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), Self(value)))
    }

    /// Whether a field is true.
    pub fn is_true(self, name: &str) -> bool {
        self.get(name).0.as_bool() == Some(true)
    }

    /// A time, as `2016-01-27T14:59:38.237Z` or `2018-10-08T14:05:45 +0000`.
    pub fn time(self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let with_space = || Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f %z", text);
        text.parse().ok().or_else(|| with_space().ok())
    }
}
