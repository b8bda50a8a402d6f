import { SaxesParser } from "saxes";
import type { RequestOptions } from "./request.ts";
import type { Server } from "./running-server.ts";
import { until } from "./wait.ts";

/** An element as a parser gives it. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  /** Text directly in it, references and sections resolved. */
  text: string;
  children: XmlElement[];
}

/** The answer to one `<shell>`, or to what stood in its place. */
export interface ShellAnswer extends XmlElement {
  status: string;
  /** Text of `<output>` and `<error>`; undefined when there is no such element. */
  output: string | undefined;
  error: string | undefined;
}

/** Attributes of a request; `null` leaves one out. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Parses strictly, with namespaces. */
export function parseXml(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true });
  const top: XmlElement = { name: "", attributes: {}, text: "", children: [] };
  const open = [top];
  const add = (text: string) => {
    const element = open.at(-1);
    if (element) element.text += text;
  };
  parser.on("error", (error) => {
    throw new Error(`${error.message}: ${text.slice(0, 2_000)}`);
  });
  parser.on("opentag", ({ name, attributes }) => {
    const values = Object.fromEntries(Object.values(attributes).map((one) => [one.name, one.value]));
    const element = { name, attributes: values, text: "", children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => open.pop());
  parser.on("text", add);
  parser.on("cdata", add);
  parser.write(text).close();
  const [root] = top.children;
  if (root === undefined) throw new Error("there is no root");
  return root;
}

const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as it can stand in an element or an attribute; control characters of line ends become references. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (one) => references[one] ?? `&#${one.charCodeAt(0)};`);
}

/** One `<shell>`; `content` is XML. */
export function shellTag(attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : [` ${name}="${xmlText(String(value))}"`],
  );
  return `<shell${written.join("")}>${content}</shell>`;
}

/** A command line for /bin/sh, quoted as a shell quotes. */
export function sh(script: string): string {
  return `/bin/sh -c '${script.replaceAll("'", `'\\''`)}'`;
}

/** Sends any body to `POST /solve` as it is, with the local token. */
export function postXml(
  server: Server,
  body: string | Uint8Array<ArrayBuffer>,
  options: RequestOptions = {},
): Promise<Response> {
  const headers = new Headers(options.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/xml");
  return server.request("/solve", { ...options, method: "POST", headers, body });
}

/** The answers in a body. */
export function readAnswers(text: string): ShellAnswer[] {
  const root = parseXml(text);
  if (root.name !== "response") throw new Error(`the root is ${root.name}: ${text}`);
  const textOf = (parent: XmlElement, name: string) => parent.children.find((one) => one.name === name)?.text;
  return root.children.map((child) => ({
    ...child,
    status: child.attributes.status ?? "",
    output: textOf(child, "output"),
    error: textOf(child, "error"),
  }));
}

/** Sends elements in one envelope and gives their answers; it must be answered 200. */
export async function solve(server: Server, ...elements: readonly string[]): Promise<ShellAnswer[]> {
  const response = await postXml(server, `<request>${elements.join("")}</request>`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return readAnswers(text);
}

/** Asks for one `<shell>` and gives its answer. */
export async function shell(server: Server, attributes: Attributes, content = ""): Promise<ShellAnswer> {
  const answers = await solve(server, shellTag(attributes, content));
  const [answer] = answers;
  if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} answers`);
  return answer;
}

/** Starts a command line that runs on, and gives the number for asking. */
export async function launch(server: Server, command: string, more: Attributes = {}): Promise<string> {
  const { status, attributes } = await shell(server, { command, call: "async", ...more });
  if (status !== "running" || attributes.id === undefined) throw new Error(JSON.stringify(attributes));
  return attributes.id;
}

/** Asks until the job does not run any more. */
export function fetched(server: Server, id: string, more: Attributes = {}): Promise<ShellAnswer> {
  const ask = async () => {
    const answer = await shell(server, { id, ...more });
    return answer.status === "running" ? undefined : answer;
  };
  return until(ask, { describe: `the end of job ${id}` });
}

/** Status and element of an answer that is an error as a whole. */
export async function refusal(
  response: Response,
): Promise<{ status: number; number: number; detail: string }> {
  const text = await response.text();
  const type = response.headers.get("content-type");
  const [error, ...rest] = readAnswers(text);
  const { number, severity, detail, ...more } = error?.attributes ?? {};
  const right =
    error?.name === "error" && rest.length === 0 && severity === "error" && Object.keys(more).length === 0;
  if (!right || type !== "application/xml; charset=utf-8" || !detail || !/^\d+$/.test(number ?? ""))
    throw new Error(`${response.status} ${type}: ${text}`);
  return { status: response.status, number: Number(number), detail };
}
