//! The description of the API, made from the types that the answers are made from.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use super::results::{ResultsAnswer, StreamAnswer};
use super::status::Status;
use super::views::{Fault, ImpactAnswer, PlanAnswer, PullRequest, ReleaseSummary, Verification};
use crate::board::RunRecord;
use crate::cut;
use crate::finding::Finding;
use crate::impact::Impact;
use crate::model::build_config::BuildConfig;
use crate::run::verified::Verified;

/// The whole description, OpenAPI 3.1.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let release = parameter(
        "release",
        "path",
        true,
        "The release, such as `4.16`.",
        json!({"type": "string"}),
    );
    let of_release = json!([release]);
    let text = |name, about| parameter(name, "query", false, about, json!({"type": "string"}));
    let severities = json!({"type": "string", "enum": ["error", "warning", "note"]});
    let limit = json!({"type": "integer", "minimum": 0, "maximum": super::MAX_LIMIT, "default": 100});
    let paths = json!({
        "/api/v1/releases": answers::<Vec<ReleaseSummary>>(&mut schemas, "releases", "The releases and how their images stand", json!([])),
        "/api/v1/build-config/{release}": answers::<BuildConfig>(&mut schemas, "buildConfig", "The unified build config of a release", of_release.clone()),
        "/api/v1/plan": answers::<PlanAnswer<'_>>(&mut schemas, "plan", "What differs and why, what was or would be written about it, and what waits", json!([])),
        "/api/v1/runs": answers::<Vec<RunRecord>>(&mut schemas, "runs", "The last runs, newest first", json!([
            parameter("limit", "query", false, "How many.", limit),
        ])),
        "/api/v1/findings": answers::<Vec<Finding>>(&mut schemas, "findings", "What is wrong, or worth knowing, in the inputs", json!([
            text("release", "Only those found for this release."),
            text("code", "Only those of this code."),
            parameter("severity", "query", false, "Only those of this severity.", severities),
        ])),
        "/api/v1/pull-requests": answers::<Vec<PullRequest>>(&mut schemas, "pullRequests", "The pull requests and how they stand", json!([])),
        "/api/v1/cuts": answers::<Vec<cut::show::View>>(&mut schemas, "cuts", "The trains of branch cuts that have steps left", json!([])),
        "/api/v1/results": answers::<ResultsAnswer<'_>>(&mut schemas, "results", "Which images do not build, since when and because of whom; 404 where no results are read", json!([
            text("release", "Only this release."),
            text("image", "Only this image, by payload tag."),
        ])),
        "/api/v1/payloads": answers::<Vec<StreamAnswer<'_>>>(&mut schemas, "payloads", "The release controller's streams and how their payloads stand; 404 where no results are read", json!([])),
        "/api/v1/verification": answers::<Verification<'_>>(&mut schemas, "verification", "What verifies the payloads of the releases: jobs, where they come from, and what is missing", json!([])),
        "/api/v1/verification/{release}": answers::<Verified>(&mut schemas, "verificationOfRelease", "What verifies the payloads of one release", of_release),
        "/api/v1/impact": answers::<ImpactAnswer<'_>>(&mut schemas, "impact", "Open pull requests of others, what each would do, and what it was told", json!([])),
        "/api/v1/impact/{org}/{repo}/{number}": answers::<Impact>(&mut schemas, "impactOf", "What a pull request of others would do", json!([
            parameter("org", "path", true, "The organisation.", json!({"type": "string"})),
            parameter("repo", "path", true, "The repository.", json!({"type": "string"})),
            parameter("number", "path", true, "The number of the pull request.", json!({"type": "integer", "minimum": 1})),
        ])),
        "/api/v1/status": answers::<Status>(&mut schemas, "status", "How the service itself stands: what it reads, who writes, what GitHub's limits leave", json!([])),
    });
    let schemas = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lockstep",
            "version": "1",
            "summary": "What OKD's builds should be, how far they have drifted, and what is done about it. Nothing here changes anything.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn parameter(name: &str, place: &str, required: bool, about: &str, schema: Value) -> Value {
    json!({"name": name, "in": place, "required": required, "description": about, "schema": schema})
}

/// What one path answers.
fn answers<T: schemars::JsonSchema>(
    schemas: &mut SchemaGenerator,
    id: &str,
    summary: &str,
    parameters: Value,
) -> Value {
    let fault = schemas.subschema_for::<Fault>();
    let failed = json!({
        "description": "Why there is no answer",
        "content": {"application/json": {"schema": fault}},
    });
    let known = json!({
        "name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
        "description": "The ETag of an answer that is known; 304 says that it still holds.",
    });
    let parameters: Vec<Value> = parameters
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .chain([known])
        .collect();
    json!({"get": {
        "operationId": id,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": summary,
                "headers": {"ETag": {"description": "Changes with every view that is posted.", "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schemas.subschema_for::<T>()}},
            },
            "304": {"description": "What is known still holds"},
            "401": {"description": "A bearer token is needed", "content": {"text/plain": {"schema": {"type": "string"}}}},
            "default": failed,
        },
    }})
}
