// Runs in a browser: reads /openapi.json and shows it. Text goes in as text alone, so that nothing in it can be markup.

const methods = ["get", "put", "post", "delete", "patch", "head", "options"];

/** An element with these attributes and children; a child that is a text stays one. */
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.flat());
  return made;
}

const code = (text) => make("code", {}, String(text));

function table(head, rows) {
  const cells = (name, row) => make("tr", {}, ...row.map((cell) => make(name, {}, cell)));
  return make(
    "table",
    {},
    make("thead", {}, cells("th", head)),
    make("tbody", {}, ...rows.map((row) => cells("td", row))),
  );
}

/** What bounds a value, in words. */
function bounds(schema) {
  const known = [
    ...["format", "pattern", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"],
    ...["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "const", "default", "example"],
  ];
  const found = known.filter((name) => schema[name] !== undefined);
  return found.map((name) => `${name} ${JSON.stringify(schema[name])}`).join(", ");
}

/** A schema as nodes: references are links to the schemas at the end of the page. */
function shape(schema) {
  if (schema === undefined) return ["anything"];
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1);
    return [make("a", { href: `#schema-${name}` }, name)];
  }
  const forms = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (forms !== undefined) {
    const word = schema.allOf === undefined ? "one of" : "all of";
    return [word, make("ul", {}, ...forms.map((form) => make("li", {}, ...shape(form))))];
  }
  if (schema.enum !== undefined) return schema.enum.flatMap((value) => [code(JSON.stringify(value)), " "]);
  const parts = [[schema.type ?? "anything"].flat().join(" or ")];
  const limits = bounds(schema);
  if (limits !== "") parts.push(` (${limits})`);
  if (schema.items !== undefined) parts.push(" of ", ...shape(schema.items));
  if (schema.properties !== undefined) parts.push(fields(schema));
  if (typeof schema.additionalProperties === "object")
    parts.push(" of ", ...shape(schema.additionalProperties));
  return parts;
}

function fields({ properties, required = [] }) {
  const rows = Object.entries(properties).map(([name, schema]) => [
    [code(name), required.includes(name) ? "" : " (optional)"],
    shape(schema),
    schema.description ?? "",
  ]);
  return table(["field", "type", ""], rows);
}

function contents(content = {}) {
  return Object.entries(content).map(([type, { schema }]) =>
    make("p", {}, code(type), " ", ...shape(schema)),
  );
}

function call(path, method, operation) {
  const { summary = "", description, parameters = [], requestBody, responses } = operation;
  const section = make("section", { id: `${method}-${path}` });
  section.append(
    make("h3", {}, make("b", {}, method.toUpperCase()), " ", code(path)),
    make("p", {}, summary),
  );
  if (description !== undefined) section.append(make("p", {}, description));
  if (parameters.length > 0) {
    const rows = parameters.map(({ name, in: place, required = false, schema, description: text = "" }) => [
      [code(name), required ? "" : " (optional)"],
      place,
      shape(schema),
      text,
    ]);
    section.append(make("h4", {}, "Parameters"), table(["name", "in", "type", ""], rows));
  }
  if (requestBody !== undefined) section.append(make("h4", {}, "Body"), ...contents(requestBody.content));
  const rows = Object.entries(responses).map(([status, answer]) => [
    code(status),
    answer.description,
    contents(answer.content),
  ]);
  section.append(make("h4", {}, "Answers"), table(["status", "", "content"], rows));
  return section;
}

/** The whole page of a document. */
function show({ info, paths = {}, components: { schemas = {} } = {} }) {
  const calls = Object.entries(paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => ({ path, method, operation: item[method] })),
  );
  const links = calls.map(({ path, method, operation: { summary = "" } }) =>
    make(
      "li",
      {},
      make("a", { href: `#${method}-${path}` }, `${method.toUpperCase()} ${path}`),
      ` ${summary}`,
    ),
  );
  const described = Object.entries(schemas).map(([name, schema]) => {
    const { description } = schema;
    const text = description === undefined ? [] : [make("p", {}, description)];
    return make(
      "section",
      { id: `schema-${name}` },
      make("h3", {}, name),
      ...text,
      make("div", {}, ...shape(schema)),
    );
  });
  document
    .querySelector("main")
    .replaceChildren(
      make("h1", {}, `${info.title} ${info.version}`),
      make("nav", {}, make("ul", {}, ...links)),
      make("h2", {}, "Calls"),
      ...calls.map(({ path, method, operation }) => call(path, method, operation)),
      make("h2", {}, "Schemas"),
      ...described,
    );
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`/openapi.json is answered with ${answer.status}`);
  show(await answer.json());
} catch (error) {
  document
    .querySelector("main")
    .replaceChildren(make("p", {}, `The description cannot be read: ${error.message}`));
}
