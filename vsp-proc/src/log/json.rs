//! A log record as one line of JSON, in the shape that `tracing-subscriber`'s `json` format writes.

use ipc::log::{Level, LogRecord, LogSource};
use serde_json::{Map, Value, json};

/// Reads a line of a guest process or of a log file. A line of another shape, such as a panic's, is a record of its own.
pub(crate) fn from_json(source: LogSource, line: &str) -> LogRecord {
    parse(&source, line).unwrap_or_else(|| LogRecord {
        source,
        time_micros: jiff::Timestamp::now().as_microsecond(),
        level: Level::Error,
        target: "stderr".into(),
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

/// Writes a record as a line, with its end.
pub(crate) fn to_json(record: &LogRecord) -> String {
    let time = jiff::Timestamp::from_microsecond(record.time_micros).unwrap_or_default();
    let mut fields: Map<String, Value> =
        record.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    fields.insert("message".into(), json!(record.message));
    let object = json!({
        "timestamp": time.to_string(),
        "level": record.level.name(),
        "target": record.target,
        "fields": fields,
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_tracing_subscriber_is_understood() {
        let line = r#"{"timestamp":"2026-11-23T19:31:04.123456Z","level":"WARN","fields":{"message":"odd read",
            "port":1016,"what":"x y"},"target":"guest_proc::bus","spans":[{"name":"vcpu","cpu":2}]}"#;
        let record = from_json(LogSource::Guest("ivm1".into()), line);
        let fields = [("cpu", "2"), ("port", "1016"), ("what", "x y")];
        assert_eq!(record.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(
            record.to_string(),
            "2026-11-23T19:31:04.123Z  WARN ivm1: odd read cpu=2 port=1016 what=\"x y\""
        );
    }

    #[test]
    fn a_record_survives_the_file() {
        let record = LogRecord {
            source: LogSource::Vsp,
            time_micros: 1_795_462_264_123_456,
            level: Level::Info,
            target: "vsp_proc".into(),
            message: "line one\nline \"two\"".into(),
            fields: vec![("guest".into(), "ivm1".into())],
        };
        let line = to_json(&record);
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(from_json(LogSource::Vsp, &line), record);
    }

    #[test]
    fn what_is_no_json_is_an_error_record_of_its_own() {
        for line in ["thread 'vcpu0' panicked at x.rs:1:2:\n", "{\"level\":3}", "[]", "{}"] {
            let record = from_json(LogSource::Vsp, line);
            assert_eq!((record.level, record.message.as_str()), (Level::Error, line.trim_end()));
        }
    }
}
