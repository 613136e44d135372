//! The `OpenAPI` document: made of the table of endpoints and the types they take and give.
//!
//! Answers are open, since keys are only ever added to them. So are bodies: a newer command may talk
//! to an older controller, which ignores the keys it does not know. Only a query, which is typed by
//! hand, is refused for an unknown key.

use schemars::{
    JsonSchema as _, Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform as _},
};
use serde_json::{Map, Value, json};

use super::{
    ApiError, ApplyRequest, DaemonReply, DaemonStopRequest, DaemonUpgradeReply,
    DaemonUpgradeRequest, DashboardReply, DashboardRequest, DescribeReply, DiffReply, Endpoint,
    EventReply, EventsQuery, EventsRequest, HistoryReply, LogLine, LogsQuery, LogsReply,
    LookupReply, LookupRequest, Method, NotifyReply, NotifyRequest, OperationRequest, Progress,
    PruneReply, PruneRequest, RollbackRequest, StatusAllReply, Target, TargetQuery,
};

/// Where the document keeps the schemas of types.
const SCHEMAS: &str = "/components/schemas";
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// `OpenAPI` 3.1 of all that can be asked.
pub fn document() -> Value {
    let mut types = Types::new();
    let mut paths = Map::new();
    for endpoint in Endpoint::ALL {
        let route = endpoint.route();
        let method = match route.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        let operation = operation(*endpoint, &mut types);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(method.to_owned(), operation);
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "eco",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the `eco` command asks its controller, for other programs. Only \
                the user eco runs as, and root, are answered. Every object has `\"schema\": 1`; \
                keys are only ever added. Times are RFC 3339 in UTC, memory is in bytes, cpu in \
                cores, durations are in seconds.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{
            "url": "http://eco",
            "description": "The Unix socket `api.sock` of eco's home, whatever the host's name: \
                `curl --unix-socket ~/.local/state/eco/<machine-id>/run/api.sock \
                http://eco/v1/status`; with ECO_HOME it is `$ECO_HOME/run/api.sock`, for root \
                `/run/eco/api.sock`.",
        }],
        "paths": paths,
        "components": { "schemas": types.all() },
    })
}

/// The types of requests and answers. A key that may be left out of a request is always there in an
/// answer, so that the two are made apart.
struct Types {
    sent: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = SCHEMAS.into();
            settings
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    fn all(mut self) -> Value {
        let mut all = self.answered.take_definitions(true);
        for (name, schema) in self.sent.take_definitions(true) {
            all.entry(name).or_insert(schema);
        }
        // A type of the standard library, without a word on its fields.
        all.entry("Duration").and_modify(|schema| *schema = duration());
        all.sort_keys();
        let schema: Result<Schema, _> = json!({ "$defs": all }).try_into();
        let Ok(mut schema) = schema else { return Value::Null };
        RecursiveTransform(tidy).transform(&mut schema);
        schema.remove("$defs").unwrap_or_default()
    }
}

fn duration() -> Value {
    json!({
        "type": "object",
        "description": "How long.",
        "properties": {
            "secs": {
                "type": "integer", "format": "uint64", "minimum": 0,
                "description": "Whole seconds,",
            },
            "nanos": {
                "type": "integer", "format": "uint32", "minimum": 0, "maximum": 999_999_999,
                "description": "and nanoseconds beside them.",
            },
        },
        "required": ["secs", "nanos"],
    })
}

/// Doc comments are broken at the line length of the source.
fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n");
    }
}

/// What an endpoint takes.
enum Taken {
    Nothing,
    Query(Schema),
    Body(Schema),
}

/// What an endpoint gives.
struct Given {
    media: &'static str,
    schema: Schema,
    text: &'static str,
}

fn operation(endpoint: Endpoint, types: &mut Types) -> Value {
    let route = endpoint.route();
    let (taken, given) = (taken(endpoint, types), given(endpoint, types));
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), route.id.into());
    operation.insert("summary".to_owned(), route.summary.into());
    let refusals: &[u16] = match (&taken, endpoint) {
        (_, Endpoint::LogStream | Endpoint::EventStream) => &[400, 409, 429, 500],
        (Taken::Body(_), Endpoint::Events) => &[400, 409, 413, 415, 422, 429, 500],
        (Taken::Body(_), _) => &[400, 409, 413, 415, 422, 500],
        (Taken::Query(_), _) => &[400, 409, 500],
        (Taken::Nothing, _) => &[500],
    };
    match taken {
        Taken::Nothing => {}
        Taken::Query(mut schema) => {
            tidy(&mut schema);
            operation.insert("parameters".to_owned(), parameters(endpoint, &schema));
        }
        Taken::Body(schema) => {
            let body = json!({ "required": true, "content": { JSON: { "schema": schema } } });
            operation.insert("requestBody".to_owned(), body);
        }
    }
    operation.insert("responses".to_owned(), responses(given, refusals, types));
    Value::Object(operation)
}

fn responses(given: Given, refusals: &[u16], types: &mut Types) -> Value {
    let mut responses = Map::new();
    let Given { media, schema, text } = given;
    let answer = json!({ "description": text, "content": { media: { "schema": schema } } });
    responses.insert("200".to_owned(), answer);
    let error = types.answered.subschema_for::<ApiError>();
    for status in refusals {
        let text = match status {
            400 => "The input is wrong: names, values, a body that is no JSON.",
            409 => "The answer is no.",
            413 => "The body is too large.",
            415 => "The body is not said to be JSON.",
            422 => "The body is JSON, but not of this shape.",
            429 => "Too many callers are answered already.",
            _ => "eco failed, or is ending.",
        };
        let refusal = json!({ "description": text, "content": { JSON: { "schema": error } } });
        responses.insert(status.to_string(), refusal);
    }
    Value::Object(responses)
}

fn taken(endpoint: Endpoint, types: &mut Types) -> Taken {
    let sent = &mut types.sent;
    match endpoint {
        Endpoint::Daemon | Endpoint::OpenApi => Taken::Nothing,
        Endpoint::Status | Endpoint::Describe | Endpoint::History => {
            Taken::Query(TargetQuery::json_schema(sent))
        }
        Endpoint::EventStream => Taken::Query(EventsQuery::json_schema(sent)),
        Endpoint::LogStream => Taken::Query(LogsQuery::json_schema(sent)),
        Endpoint::AskStatus | Endpoint::AskDescribe | Endpoint::Logs | Endpoint::AskHistory => {
            Taken::Body(sent.subschema_for::<Target>())
        }
        Endpoint::Events => Taken::Body(sent.subschema_for::<EventsRequest>()),
        Endpoint::Prune => Taken::Body(sent.subschema_for::<PruneRequest>()),
        Endpoint::RollbackDiff => Taken::Body(sent.subschema_for::<RollbackRequest>()),
        Endpoint::Lookup => Taken::Body(sent.subschema_for::<LookupRequest>()),
        Endpoint::Diff | Endpoint::Apply => Taken::Body(sent.subschema_for::<ApplyRequest>()),
        Endpoint::Operate => Taken::Body(sent.subschema_for::<OperationRequest>()),
        Endpoint::Notify => Taken::Body(sent.subschema_for::<NotifyRequest>()),
        Endpoint::Dashboard => Taken::Body(sent.subschema_for::<DashboardRequest>()),
        Endpoint::DaemonStop => Taken::Body(sent.subschema_for::<DaemonStopRequest>()),
        Endpoint::DaemonUpgrade => Taken::Body(sent.subschema_for::<DaemonUpgradeRequest>()),
    }
}

fn given(endpoint: Endpoint, types: &mut Types) -> Given {
    let given = &mut types.answered;
    let one = |schema| Given { media: JSON, schema, text: "The answer." };
    let lines = |schema| Given { media: NDJSON, schema, text: "Each line is one such object." };
    match endpoint {
        Endpoint::Status | Endpoint::AskStatus => one(given.subschema_for::<StatusAllReply>()),
        Endpoint::Describe | Endpoint::AskDescribe => one(given.subschema_for::<DescribeReply>()),
        Endpoint::History | Endpoint::AskHistory => one(given.subschema_for::<HistoryReply>()),
        Endpoint::Logs => one(given.subschema_for::<LogsReply>()),
        Endpoint::Lookup => one(given.subschema_for::<LookupReply>()),
        Endpoint::Prune => one(given.subschema_for::<PruneReply>()),
        Endpoint::Diff | Endpoint::RollbackDiff => one(given.subschema_for::<DiffReply>()),
        Endpoint::Dashboard => one(given.subschema_for::<DashboardReply>()),
        Endpoint::Daemon => one(given.subschema_for::<DaemonReply>()),
        Endpoint::OpenApi => one(schemars::json_schema!({ "type": "object" })),
        Endpoint::EventStream => Given {
            media: "text/event-stream",
            schema: given.subschema_for::<EventReply>(),
            text: "The `data` of each event is one such object, its `id` the object's `seq`.",
        },
        Endpoint::Events => lines(given.subschema_for::<EventReply>()),
        Endpoint::LogStream => lines(given.subschema_for::<LogLine>()),
        Endpoint::Apply | Endpoint::Operate | Endpoint::DaemonStop => {
            lines(given.subschema_for::<Progress>())
        }
        Endpoint::Notify => lines(given.subschema_for::<NotifyReply>()),
        Endpoint::DaemonUpgrade => lines(given.subschema_for::<DaemonUpgradeReply>()),
    }
}

/// The keys of a query. None has to be there.
fn parameters(endpoint: Endpoint, query: &Schema) -> Value {
    let keys = query.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut parameters: Vec<Value> = keys.map(|(key, schema)| parameter(key, schema)).collect();
    if endpoint == Endpoint::EventStream {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "required": false,
            "description": "The `id` of the last event seen: only those after it come.",
            "schema": { "type": "integer", "format": "uint64", "minimum": 0 },
        }));
    }
    Value::Array(parameters)
}

fn parameter(key: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let description = schema.as_object_mut().and_then(|it| it.remove("description"));
    json!({
        "name": key,
        "in": "query",
        "required": false,
        "description": description,
        "schema": without_null(schema),
    })
}

/// A key that is not given is null in the type; in a query it is left out.
fn without_null(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.remove("default");
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(ways)) = object.get_mut("anyOf") {
            ways.retain(|way| way.get("type").is_none_or(|name| name != "null"));
            if let [only] = ways.as_slice() {
                return only.clone();
            }
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types that are sent and answered have one name, and so have to be one schema.
    #[test]
    fn what_is_sent_and_answered_has_one_form() {
        let mut types = Types::new();
        for endpoint in Endpoint::ALL {
            operation(*endpoint, &mut types);
        }
        let (sent, answered) = (types.sent.definitions(), types.answered.definitions());
        let both = sent.iter().filter(|(name, _)| answered.contains_key(*name));
        let different = both.filter(|(name, schema)| answered.get(*name) != Some(schema));
        let different: Vec<_> = different.map(|(name, _)| name).collect();
        assert!(different.is_empty(), "{different:?}");
    }
}
