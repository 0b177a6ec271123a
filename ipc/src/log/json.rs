//! Reading a line of JSON as `tracing-subscriber`'s `json` format writes it.

use serde_json::Value;

use super::{LogRecord, LogSource};

/// Reads a line of a log file. A line of another shape is a record of its own, of the time that `otherwise` tells.
pub(super) fn from_json(source: &LogSource, line: &str, otherwise: impl FnOnce() -> i64) -> LogRecord {
    parse(source, line).unwrap_or_else(|| LogRecord {
        source: source.clone(),
        time_micros: otherwise(),
        level: super::Level::Error,
        target: String::new(),
        message: line.trim_end().to_owned(),
        fields: Vec::new(),
    })
}

fn parse(source: &LogSource, line: &str) -> Option<LogRecord> {
    let Value::Object(object) = serde_json::from_str(line).ok()? else { return None };
    let time: jiff::Timestamp = object.get("timestamp")?.as_str()?.parse().ok()?;
    let mut fields = Vec::new();
    let spans = object.get("spans").and_then(Value::as_array).into_iter().flatten();
    for span in spans.filter_map(Value::as_object) {
        fields.extend(span.iter().filter(|(name, _)| *name != "name").map(field));
    }
    let own = object.get("fields")?.as_object()?;
    fields.extend(own.iter().filter(|(name, _)| *name != "message").map(field));
    Some(LogRecord {
        source: source.clone(),
        time_micros: time.as_microsecond(),
        level: object.get("level")?.as_str()?.parse().ok()?,
        target: object.get("target").and_then(Value::as_str).unwrap_or_default().to_owned(),
        message: own.get("message").map(text).unwrap_or_default(),
        fields,
    })
}

fn field((name, value): (&String, &Value)) -> (String, String) {
    (name.clone(), text(value))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;

    #[test]
    fn a_line_of_tracing_subscriber_is_understood() {
        let line = r#"{"timestamp":"2026-11-23T19:31:04.123456Z","level":"WARN","fields":{"message":"odd read",
            "port":1016,"what":"x y"},"target":"guest_proc::bus","spans":[{"name":"vcpu","cpu":2}]}"#;
        let record = from_json(&LogSource::Guest("ivm1".into()), line, || 0);
        let fields = [("cpu", "2"), ("port", "1016"), ("what", "x y")];
        assert_eq!(record.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(
            record.to_string(),
            "2026-11-23T19:31:04.123Z  WARN ivm1: odd read cpu=2 port=1016 what=\"x y\""
        );
    }

    #[test]
    fn what_is_no_json_is_an_error_record_of_its_own() {
        for line in ["thread 'vcpu0' panicked at x.rs:1:2:\n", "{\"level\":3}", "[]", "{}"] {
            let record = from_json(&LogSource::Vsp, line, || 7);
            assert_eq!((record.level, record.message.as_str()), (Level::Error, line.trim_end()));
            assert_eq!(record.time_micros, 7);
        }
    }
}
