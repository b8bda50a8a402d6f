import { posix } from "node:path";
import type { Files } from "./files.ts";

/** What a page of documentation points to and can be pointed to. */
export interface Page {
  /** Targets of links and images, as written. */
  readonly links: readonly string[];
  /** What may stand after a `#`: slugs of headings, and ids of elements. */
  readonly anchors: ReadonlySet<string>;
  /** Backquoted first cells of the tables whose first column is headed "Code". */
  readonly codes: readonly string[];
}

/** Reads a page of GitHub's Markdown. */
export function readPage(markdown: string): Page {
  // In this text < and " stand for themselves only in tags, so links in code are not mistaken for links.
  const html = Bun.markdown.html(markdown).replace(/<!--[\s\S]*?-->/g, "");
  const attributes = (names: string) => [
    ...html.matchAll(new RegExp(`<[^>]*?\\s(?:${names})="([^"]*)"`, "g")),
  ];
  const links = attributes("href|src").map(([, , value = ""]) => value.replaceAll("&amp;", "&"));
  const anchors = new Set(attributes("id|name").map(([, , value = ""]) => value));
  const codes: string[] = [];
  Bun.markdown.render(markdown, {
    heading: (text) => {
      anchors.add(unusedSlug(text, anchors));
      return "";
    },
    codespan: (text) => `\`${text}\``,
    th: (text) => `${text}\t`,
    td: (text) => `${text}\t`,
    tr: (text) => `${text}\n`,
    table: (text) => {
      const [header = "", ...rows] = text.split("\n");
      if (/^`?code`?\t/i.test(header))
        codes.push(...rows.flatMap((row) => /^`([^`]+)`\t/.exec(row)?.[1] ?? []));
      return "";
    },
  });
  return { links, anchors, codes };
}

/** The name that GitHub gives to a heading; later ones of the same name are numbered. */
function unusedSlug(heading: string, used: ReadonlySet<string>): string {
  const letters = heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "");
  const slug = letters.replaceAll(" ", "-");
  let unused = slug;
  for (let count = 1; used.has(unused); count++) unused = `${slug}-${count}`;
  return unused;
}

/**
 * Links that lead nowhere, as sentences. `pages` are the Markdown files; `exists` tells whether the
 * repository has a file or folder of that path. Links to other hosts are not followed.
 */
export function deadLinks(pages: Files, exists: (path: string) => boolean): string[] {
  const read = new Map(Object.entries(pages).map(([path, text]) => [path, readPage(text)]));
  return [...read].flatMap(([path, { links }]) =>
    links.flatMap((link) => {
      if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return [];
      const [file = "", anchor] = decodeURI(link).split("#", 2);
      // GitHub takes a leading slash for the root of the repository.
      const folder = file.startsWith("/") ? "." : posix.dirname(path);
      const target = file === "" ? path : posix.join(folder, file);
      if (target.startsWith("../") || !exists(target)) return [`${path}: ${link}: there is no ${target}`];
      if (anchor === undefined || anchor === "") return [];
      // Anchors in other files (lines of code) are made by whoever shows them.
      const anchors = read.get(target)?.anchors;
      return anchors === undefined || anchors.has(anchor) ? [] : [`${path}: ${link}: no such heading`];
    }),
  );
}

/** Differences between the codes of the error table and those that the page explains, both ways. */
export function errorTableDifferences(codes: readonly string[], page: string): string[] {
  const explained = readPage(page).codes;
  const twice = explained.filter((code, index) => explained.indexOf(code) !== index);
  return [
    ...codes.filter((code) => !explained.includes(code)).map((code) => `${code}: not in docs/errors.md`),
    ...explained.filter((code) => !codes.includes(code)).map((code) => `${code}: not in src/core/errors.ts`),
    ...twice.map((code) => `${code}: twice in docs/errors.md`),
  ];
}
