//! The VSP's own `tracing` events on their way to the hub. It never waits: what the hub cannot take is counted there.

use std::fmt::{Debug, Write as _};

use ipc::log::{Level, LogRecord, LogSource};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::hub::LogHub;

/// Gives every event to a [`LogHub`].
pub(crate) struct HubLayer(pub(crate) LogHub);

impl<S: Subscriber> Layer<S> for HubLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.0.record(LogRecord {
            source: LogSource::Vsp,
            time_micros: jiff::Timestamp::now().as_microsecond(),
            level: match *metadata.level() {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::INFO => Level::Info,
                tracing::Level::DEBUG => Level::Debug,
                tracing::Level::TRACE => Level::Trace,
            },
            target: metadata.target().to_owned(),
            message: fields.message,
            fields: fields.others,
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.others.push((name.to_owned(), value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a string fails only if the value's own formatting does; then the text ends there.
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}
