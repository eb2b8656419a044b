// Checks every exchange that tests had with the fake GitHub against GitHub's OpenAPI description and GraphQL schema.
// Usage: node check.mjs FOLDER-WITH-JSONL-FILES
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { fromSchema } from "@openapi-contrib/openapi-schema-to-json-schema";
import { buildSchema, execute, parse, validate } from "graphql";

const load = (name) => readFileSync(new URL(`node_modules/${name}`, import.meta.url), "utf8");
const api = JSON.parse(load("@octokit/openapi/generated/api.github.com.json"));
// The published schema defines two fields twice.
const graph = buildSchema(load("@octokit/graphql-schema/schema.graphql"), { assumeValidSDL: true });

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
addFormats(ajv);
for (const format of ["timestamp", "repo.nwo", "int32", "int64"]) ajv.addFormat(format, true);

const compiled = new Map();
// One self-contained schema: references to components become definitions, all in JSON Schema's dialect.
function validator(key, schema) {
  if (!compiled.has(key)) {
    const definitions = {};
    const take = (node) => {
      if (Array.isArray(node)) return node.map(take);
      if (node === null || typeof node !== "object") return node;
      if (typeof node.$ref === "string") {
        const path = node.$ref.replace("#/", "").split("/");
        const name = path.join("_");
        if (!(name in definitions)) {
          definitions[name] = true; // it may refer to itself
          definitions[name] = take(path.reduce((at, part) => at[part], api));
        }
        return { $ref: `#/definitions/${name}` };
      }
      return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, take(value)]));
    };
    const convert = (node) => fromSchema(node, { cloneSchema: true, strictMode: false });
    const taken = convert(take(schema));
    for (const name of Object.keys(definitions)) definitions[name] = convert(definitions[name]);
    delete taken.$schema;
    for (const definition of Object.values(definitions)) delete definition.$schema;
    compiled.set(key, ajv.compile({ ...taken, definitions }));
  }
  return compiled.get(key);
}

const templates = Object.keys(api.paths).map((template) => ({
  template,
  variables: (template.match(/{/g) ?? []).length,
  pattern: new RegExp(`^${template.replace(/[.+]/g, "\\$&").replace(/{[^}]+}/g, "[^/]+")}$`),
}));

function resolved(object) {
  return object?.$ref ? object.$ref.replace("#/", "").split("/").reduce((at, part) => at[part], api) : object;
}

function rest(exchange) {
  const path = exchange.path.split("?")[0].replace(/^\/api\/v3/, "");
  const fits = templates.filter(({ pattern, template }) => pattern.test(path) && api.paths[template][exchange.method.toLowerCase()]);
  fits.sort((a, b) => a.variables - b.variables);
  if (fits.length === 0) return [`the API has no ${exchange.method} ${path}`];
  const { template } = fits[0];
  const key = `${exchange.method} ${template}`;
  const operation = api.paths[template][exchange.method.toLowerCase()];
  seen.add(key);
  const faults = [];
  const hold = (what, schema, value) => {
    const check = validator(`${key} ${what}`, schema);
    if (!check(value)) faults.push(...check.errors.slice(0, 8).map((error) => `${key} ${what}: ${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`));
  };
  const asked = resolved(operation.requestBody)?.content?.["application/json"]?.schema;
  const refused = exchange.status >= 400;
  if (asked && exchange.request !== null && !refused) hold("request", asked, exchange.request);
  if (!asked && exchange.request !== null) faults.push(`${key} takes no body`);
  const response = resolved(operation.responses[exchange.status]);
  if (!response) {
    // 401 is documented once for all calls, and so is 404 for what somebody else has deleted in between.
    const mayBeGone = exchange.status === 404 && template.endsWith("}");
    if (exchange.status !== 401 && !mayBeGone) faults.push(`${key} never answers ${exchange.status}`);
    return faults;
  }
  const answered = response.content?.["application/json"]?.schema;
  if (answered) hold(`answer ${exchange.status}`, answered, exchange.response);
  return faults;
}

// A question must fit the schema, and the answer must be one that the schema can give: it is executed with the answer
// itself as the source of every field.
function graphql(exchange) {
  const { query, variables } = exchange.request;
  const document = parse(query);
  const name = document.definitions[0].name?.value ?? "unnamed";
  seen.add(`GraphQL ${name}`);
  const faults = validate(graph, document).map((error) => `GraphQL ${name}: ${error.message}`);
  if (faults.length > 0) return faults;
  const data = exchange.response.data;
  if (!data) return faults;
  const kind = (value) => value.__typename ?? ("tree" in value || "message" in value ? "Commit" : "login" in value ? "User" : "entries" in value ? "Tree" : "text" in value ? "Blob" : "Commit");
  const result = execute({
    schema: graph,
    document,
    rootValue: data,
    variableValues: variables,
    fieldResolver: (source, _args, _context, info) => source?.[info.path.key],
    typeResolver: kind,
  });
  for (const error of result.errors ?? []) faults.push(`GraphQL ${name}: ${error.message}`);
  return faults;
}

const folder = process.argv[2];
const seen = new Set();
const faults = new Map();
let count = 0;
for (const file of readdirSync(folder).filter((file) => file.endsWith(".jsonl"))) {
  for (const line of readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean)) {
    const exchange = JSON.parse(line);
    if (exchange.status === 401) continue; // a credential that the fake was told not to know
    count += 1;
    const found = /\/graphql$/.test(exchange.path) ? graphql(exchange) : rest(exchange);
    for (const fault of found) faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
}
for (const [fault, times] of faults) console.error(`${fault} (${times} times)`);
console.log(`${count} exchanges of ${seen.size} kinds held against GitHub's description:`);
for (const kind of [...seen].sort()) console.log(`  ${kind}`);
if (count === 0 || faults.size > 0) {
  console.error(count === 0 ? "no exchange was recorded" : `${faults.size} faults`);
  process.exit(1);
}
